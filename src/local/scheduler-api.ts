// POST /api/v1/scheduler of the master; statuses and texts as recorded from Mesos 1.12.
import { randomUUID } from 'node:crypto';
import { decodeSchedulerCall, encodeSchedulerEvent } from '../mesos/messages.ts';
import type { Id, SchedulerCall } from '../mesos/types.ts';
import { decodeCall } from './decode-call.ts';
import { ACCEPTED, type Answer, type Request } from './http.ts';
import type { Master } from './master.ts';

export const SCHEDULER_PATHS = ['/api/v1/scheduler', '/master/api/v1/scheduler'];

/** Answers a scheduler's call; `port` is the endpoint's own, `principal` who the caller has proved to be. */
export function answerScheduler(
  master: Master,
  { port, principal }: { port: number; principal: string | undefined },
  request: Request,
): Answer | undefined {
  const decoded = decodeCall('scheduler', () => decodeSchedulerCall(request.body));
  if ('status' in decoded) return decoded;
  const { call, frameworkId } = decoded;
  if (call.type === 'UNKNOWN') return { status: 501 };
  if (call.type === 'SUBSCRIBE') return subscribe({ master, port, principal, request }, call.subscribe, frameworkId);
  if (!frameworkId) return invalid("Expecting 'framework_id' to be present");
  const framework = master.state.frameworks.get(frameworkId.value);
  if (!framework) return { status: 400, text: 'Framework cannot be found' };
  const mismatch = principalError(principal, framework.info.principal ?? '');
  if (mismatch !== undefined) return { status: 400, text: mismatch };
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

interface Subscriber {
  master: Master;
  port: number;
  principal: string | undefined;
  request: Request;
}

function subscribe(
  { master, port, principal, request }: Subscriber,
  { frameworkInfo: info, suppressedRoles = [] }: Extract<SchedulerCall, { type: 'SUBSCRIBE' }>['subscribe'],
  frameworkId: Id | undefined,
): Answer | undefined {
  if (info.id?.value !== frameworkId?.value) {
    return invalid("'framework_id' differs from 'subscribe.framework_info.id'");
  }
  const mismatch = principalError(principal, info.principal ?? principal);
  if (mismatch !== undefined) return invalid(mismatch);
  if (request.streamId !== undefined) {
    return { status: 400, text: "Subscribe calls should not include the 'Mesos-Stream-Id' header" };
  }
  const named = principal === undefined ? info : { ...info, principal };
  const streamId = randomUUID();
  const stream = request.openStream(encodeSchedulerEvent, { 'Mesos-Stream-Id': streamId });
  master.subscribe({ info: named, suppressedRoles, stream, streamId }, port);
  return undefined;
}

function principalError(principal: string | undefined, said: string | undefined): string | undefined {
  if (principal === undefined || principal === said) return undefined;
  return `Authenticated principal '${principal}' does not match principal '${said}' set in \`FrameworkInfo\``;
}

const invalid = (fault: string): Answer => ({ status: 400, text: `Failed to validate scheduler::Call: ${fault}` });
