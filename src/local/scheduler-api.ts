// POST /api/v1/scheduler of the master; statuses and texts as recorded from Mesos 1.12.
import { randomUUID } from 'node:crypto';
import { decodeSchedulerCall, encodeSchedulerEvent } from '../mesos/messages.ts';
import type { Id, SchedulerCall } from '../mesos/types.ts';
import { decodeCall } from './decode-call.ts';
import { ACCEPTED, type Answer, type Request } from './http.ts';
import type { Master } from './master.ts';

export const SCHEDULER_PATHS = ['/api/v1/scheduler', '/master/api/v1/scheduler'];

/** Answers a scheduler's call; `port` is the endpoint's own. */
export function answerScheduler(master: Master, port: number, request: Request): Answer | undefined {
  const decoded = decodeCall('scheduler', () => decodeSchedulerCall(request.body));
  if ('status' in decoded) return decoded;
  const { call, frameworkId } = decoded;
  if (call.type === 'UNKNOWN') return { status: 501 };
  if (call.type === 'SUBSCRIBE') return subscribe({ master, port, request }, call.subscribe, frameworkId);
  if (!frameworkId) return invalid("Expecting 'framework_id' to be present");
  const framework = master.state.frameworks.get(frameworkId.value);
  if (!framework) return { status: 400, text: 'Framework cannot be found' };
  if (!framework.subscription) return { status: 403, text: 'Framework is not subscribed' };
  const { streamId } = request;
  if (streamId === undefined) {
    return { status: 400, text: "All non-subscribe calls should include the 'Mesos-Stream-Id' header" };
  }
  if (streamId !== framework.subscription.streamId) {
    const associated = `the stream ID currently associated with framework ID ${frameworkId.value}`;
    return { status: 400, text: `The stream ID '${streamId}' included in this request didn't match ${associated}` };
  }
  master.call(framework, call);
  return ACCEPTED;
}

function subscribe(
  { master, port, request }: { master: Master; port: number; request: Request },
  { frameworkInfo: info, suppressedRoles = [] }: Extract<SchedulerCall, { type: 'SUBSCRIBE' }>['subscribe'],
  frameworkId: Id | undefined,
): Answer | undefined {
  if (request.streamId !== undefined) {
    return { status: 400, text: "Subscribe calls should not include the 'Mesos-Stream-Id' header" };
  }
  if (info.id?.value !== frameworkId?.value) {
    return invalid("'framework_id' differs from 'subscribe.framework_info.id'");
  }
  const streamId = randomUUID();
  const stream = request.openStream(encodeSchedulerEvent, { 'Mesos-Stream-Id': streamId });
  master.subscribe({ info, suppressedRoles, stream, streamId }, port);
  return undefined;
}

const invalid = (fault: string): Answer => ({ status: 400, text: `Failed to validate scheduler::Call: ${fault}` });
