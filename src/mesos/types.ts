// Our own words for the part of the Mesos v1 API that we speak: names as in mesos/v1 with camelCase.
// int64 values are numbers, bytes are Uint8Array, enums are their names; `messages.ts` converts. An enum value that
// we have no name for comes as its number in decimal text.

export interface Id {
  value: string;
}

export interface Ranges {
  range: { begin: number; end: number }[];
}

export interface Labels {
  labels: { key: string; value?: string }[];
}

export interface Reservation {
  type?: 'UNKNOWN' | 'STATIC' | 'DYNAMIC';
  role?: string;
  principal?: string;
  labels?: Labels;
}

/** Whole as in Mesos: what was offered must be given back unchanged in ACCEPT. */
export interface Resource {
  name: string;
  type: 'SCALAR' | 'RANGES' | 'SET';
  scalar?: { value: number };
  ranges?: Ranges;
  set?: { item: string[] };
  role?: string;
  allocationInfo?: { role?: string };
  /** Of agents older than reservation refinement. */
  reservation?: Reservation;
  reservations?: Reservation[];
  disk?: DiskInfo;
  revocable?: Record<string, never>;
  shared?: Record<string, never>;
  providerId?: Id;
}

export interface DiskInfo {
  persistence?: { id: string; principal?: string };
  volume?: { containerPath: string; hostPath?: string; mode: 'RW' | 'RO' };
  source?: {
    type: 'UNKNOWN' | 'PATH' | 'MOUNT' | 'BLOCK' | 'RAW';
    path?: { root?: string };
    mount?: { root?: string };
    id?: string;
    metadata?: Labels;
    profile?: string;
    vendor?: string;
  };
}

export interface Attribute {
  name: string;
  type: 'SCALAR' | 'RANGES' | 'SET' | 'TEXT';
  scalar?: { value: number };
  ranges?: Ranges;
  set?: { item: string[] };
  text?: { value: string };
}

export interface Offer {
  id: Id;
  frameworkId: Id;
  agentId: Id;
  hostname: string;
  url?: { scheme: string; address: { hostname?: string; ip?: string; port: number }; path?: string };
  resources: Resource[];
  attributes: Attribute[];
  executorIds: Id[];
  allocationInfo?: { role?: string };
  domain?: DomainInfo;
}

/** Where a machine stands: agents of one zone fail together. */
export interface DomainInfo {
  faultDomain?: { region: { name: string }; zone: { name: string } };
}

export interface CommandInfo {
  uris?: { value: string; executable?: boolean; extract?: boolean; cache?: boolean; outputFile?: string }[];
  environment?: { variables: { name: string; value?: string }[] };
  shell?: boolean;
  value?: string;
  arguments?: string[];
  user?: string;
}

export interface ExecutorInfo {
  type?: 'DEFAULT' | 'CUSTOM';
  executorId: Id;
  frameworkId?: Id;
  command?: CommandInfo;
  resources?: Resource[];
  name?: string;
  source?: string;
  data?: Uint8Array;
  shutdownGracePeriod?: { nanoseconds: number };
  labels?: Labels;
}

export interface TaskInfo {
  name: string;
  taskId: Id;
  agentId: Id;
  resources: Resource[];
  executor?: ExecutorInfo;
  command?: CommandInfo;
  data?: Uint8Array;
  killPolicy?: { gracePeriod?: { nanoseconds: number } };
  labels?: Labels;
}

export type TaskState =
  | 'TASK_STAGING'
  | 'TASK_STARTING'
  | 'TASK_RUNNING'
  | 'TASK_KILLING'
  | 'TASK_FINISHED'
  | 'TASK_FAILED'
  | 'TASK_KILLED'
  | 'TASK_ERROR'
  | 'TASK_LOST'
  | 'TASK_DROPPED'
  | 'TASK_UNREACHABLE'
  | 'TASK_GONE'
  | 'TASK_GONE_BY_OPERATOR'
  | 'TASK_UNKNOWN';

export interface TaskStatus {
  taskId: Id;
  state: TaskState;
  message?: string;
  source?: 'SOURCE_MASTER' | 'SOURCE_AGENT' | 'SOURCE_EXECUTOR';
  reason?: string;
  data?: Uint8Array;
  agentId?: Id;
  executorId?: Id;
  /** Seconds since the epoch. */
  timestamp?: number;
  /** Present when the update must be acknowledged. */
  uuid?: Uint8Array;
  healthy?: boolean;
}

export interface FrameworkInfo {
  user: string;
  name: string;
  id?: Id;
  /** Seconds. */
  failoverTimeout?: number;
  checkpoint?: boolean;
  roles?: string[];
  capabilities?: { type: string }[];
  hostname?: string;
  webuiUrl?: string;
  principal?: string;
}

export interface AgentInfo {
  id?: Id;
  hostname: string;
  port?: number;
  resources?: Resource[];
  attributes?: Attribute[];
  domain?: DomainInfo;
}

export interface Filters {
  refuseSeconds?: number;
}

/** With an `id` its outcome is told by UPDATE_OPERATION_STATUS, which has to be acknowledged (LAUNCH takes none). */
export type OfferOperation =
  | { type: 'LAUNCH'; launch: { taskInfos: TaskInfo[] } }
  | { type: 'RESERVE'; id?: Id; reserve: { resources: Resource[] } }
  | { type: 'UNRESERVE'; id?: Id; unreserve: { resources: Resource[] } }
  | { type: 'CREATE'; id?: Id; create: { volumes: Resource[] } }
  | { type: 'DESTROY'; id?: Id; destroy: { volumes: Resource[] } };

export type OperationState =
  | 'OPERATION_UNSUPPORTED'
  | 'OPERATION_PENDING'
  | 'OPERATION_FINISHED'
  | 'OPERATION_FAILED'
  | 'OPERATION_ERROR'
  | 'OPERATION_DROPPED'
  | 'OPERATION_UNREACHABLE'
  | 'OPERATION_GONE_BY_OPERATOR'
  | 'OPERATION_RECOVERING'
  | 'OPERATION_UNKNOWN';

export interface OperationStatus {
  operationId?: Id;
  state: OperationState;
  message?: string;
  convertedResources?: Resource[];
  /** Present when the update must be acknowledged. */
  uuid?: { value: Uint8Array };
  agentId?: Id;
  resourceProviderId?: Id;
}

export type SchedulerCall =
  | { type: 'SUBSCRIBE'; subscribe: { frameworkInfo: FrameworkInfo; suppressedRoles?: string[] } }
  | { type: 'TEARDOWN' }
  | { type: 'ACCEPT'; accept: { offerIds: Id[]; operations: OfferOperation[]; filters?: Filters } }
  | { type: 'DECLINE'; decline: { offerIds: Id[]; filters?: Filters } }
  | { type: 'REVIVE'; revive?: { roles: string[] } }
  | { type: 'SUPPRESS'; suppress?: { roles: string[] } }
  | {
      type: 'KILL';
      kill: { taskId: Id; agentId?: Id; killPolicy?: { gracePeriod?: { nanoseconds: number } } };
    }
  | { type: 'SHUTDOWN'; shutdown: { executorId: Id; agentId: Id } }
  | { type: 'ACKNOWLEDGE'; acknowledge: { agentId: Id; taskId: Id; uuid: Uint8Array } }
  | {
      type: 'ACKNOWLEDGE_OPERATION_STATUS';
      acknowledgeOperationStatus: { agentId?: Id; resourceProviderId?: Id; uuid: Uint8Array; operationId: Id };
    }
  | { type: 'RECONCILE'; reconcile: { tasks: { taskId: Id; agentId?: Id }[] } }
  | { type: 'RECONCILE_OPERATIONS'; reconcileOperations: { operations: { operationId: Id; agentId?: Id }[] } }
  | { type: 'MESSAGE'; message: { agentId: Id; executorId: Id; data: Uint8Array } };

export interface MasterInfo {
  id: string;
  ip: number;
  port: number;
  pid?: string;
  hostname?: string;
  version?: string;
  address?: { hostname?: string; ip?: string; port: number };
}

export type SchedulerEvent =
  | { type: 'SUBSCRIBED'; subscribed: { frameworkId: Id; heartbeatIntervalSeconds?: number; masterInfo?: MasterInfo } }
  | { type: 'OFFERS'; offers: { offers: Offer[] } }
  | { type: 'RESCIND'; rescind: { offerId: Id } }
  | { type: 'UPDATE'; update: { status: TaskStatus } }
  | { type: 'UPDATE_OPERATION_STATUS'; updateOperationStatus: { status: OperationStatus } }
  | { type: 'MESSAGE'; message: { agentId: Id; executorId: Id; data: Uint8Array } }
  | { type: 'FAILURE'; failure: { agentId?: Id; executorId?: Id; status?: number } }
  | { type: 'ERROR'; error: { message: string } }
  | { type: 'HEARTBEAT' };

export type ExecutorCall =
  | {
      type: 'SUBSCRIBE';
      subscribe: { unacknowledgedTasks: TaskInfo[]; unacknowledgedUpdates: { status: TaskStatus }[] };
    }
  | { type: 'UPDATE'; update: { status: TaskStatus } }
  | { type: 'MESSAGE'; message: { data: Uint8Array } };

export type ExecutorEvent =
  | {
      type: 'SUBSCRIBED';
      subscribed: { executorInfo: ExecutorInfo; frameworkInfo: FrameworkInfo; agentInfo: AgentInfo; containerId?: Id };
    }
  | { type: 'LAUNCH'; launch: { task: TaskInfo } }
  | { type: 'KILL'; kill: { taskId: Id; killPolicy?: { gracePeriod?: { nanoseconds: number } } } }
  | { type: 'ACKNOWLEDGED'; acknowledged: { taskId: Id; uuid: Uint8Array } }
  | { type: 'MESSAGE'; message: { data: Uint8Array } }
  | { type: 'ERROR'; error: { message: string } }
  | { type: 'SHUTDOWN' }
  | { type: 'HEARTBEAT' };

/** The scheduler's side of the wire: one subscription that comes back by itself, and calls over it. */
export interface SchedulerClient {
  /** False while no master hands over events: then nobody can be heard. */
  readonly subscribed: boolean;
  /**
   * Subscribes and hands every event to `onEvent`, in order, each after the one before was handled.
   * Comes back after every loss of the connection (back-off with jitter, redirects followed, missing
   * heartbeats noticed, a new leader gone to). Returns when the signal aborts. Throws MESOS_REFUSED when the master refuses
   * the subscription or says ERROR, FRAMEWORK_REMOVED when that says that the framework is no more (the event is
   * handed over first), and whatever `onEvent` throws.
   */
  run(onEvent: (event: SchedulerEvent) => void | Promise<void>, signal: AbortSignal): Promise<void>;
  /**
   * Sends a call on the present stream; also from within `onEvent`, from SUBSCRIBED on. Throws MESOS_UNAVAILABLE when
   * there is no stream, here or at the master, or that cannot take the call now, MESOS_REFUSED with its answer in
   * `details` (`status`, `body`), TIMEOUT after 10 s.
   */
  call(call: SchedulerCall): Promise<void>;
}

/** The executor's side: keeps what is unacknowledged and hands it over when it has to subscribe again. */
export interface ExecutorClient {
  /**
   * Like SchedulerClient.run. Throws MESOS_UNAVAILABLE when the agent stays away for the recovery timeout, and
   * without checkpointing at the first loss of the connection: then the agent has given the executor up.
   */
  run(onEvent: (event: ExecutorEvent) => void | Promise<void>, signal: AbortSignal): Promise<void>;
  /**
   * Sends a status; kept and sent again after a new subscription until it is acknowledged. Returns as well when
   * it could not be sent for now. Throws MESOS_REFUSED when the agent does not take it; then it is dropped.
   */
  update(status: Pick<TaskStatus, 'taskId' | 'state' | 'message' | 'data' | 'healthy'>): Promise<void>;
  /** A framework message: best effort, dropped while disconnected. */
  message(data: Uint8Array): Promise<void>;
}
