// Where schedulers find a master: leading, about to, or sending them on to the one that leads.
import { timingSafeEqual } from 'node:crypto';
import type { Logger } from '../log.ts';
import { serve, type Answer, type HttpEndpoint } from './http.ts';
import type { Master } from './master.ts';
import { answerScheduler, SCHEDULER_PATHS } from './scheduler-api.ts';

export interface MasterEndpointOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Secrets by principal; absent, nobody has to prove who it is. */
  credentials?: Readonly<Record<string, string>>;
  log: Logger;
}

type Part = { is: 'recovering' } | { is: 'leading'; master: Master } | { is: 'following'; leader: () => string };

export class MasterEndpoint {
  readonly #options: MasterEndpointOptions;
  #part: Part = { is: 'recovering' };
  #http: HttpEndpoint | undefined;

  private constructor(options: MasterEndpointOptions) {
    this.#options = options;
  }

  /** Open, it answers 503 as a master that has not finished recovery, until `lead` or `follow`. */
  static async open(options: MasterEndpointOptions): Promise<MasterEndpoint> {
    const endpoint = new MasterEndpoint(options);
    endpoint.#http = await serve({
      ip: options.host,
      port: options.port,
      paths: SCHEDULER_PATHS,
      admit: (request) => endpoint.#admit(request),
      handle: (request) => {
        if (endpoint.#part.is !== 'leading') return { status: 503 };
        const who = { port: endpoint.port, principal: endpoint.#principal(request.authorization) };
        return answerScheduler(endpoint.#part.master, who, request);
      },
      log: options.log,
    });
    return endpoint;
  }

  get port(): number {
    return this.#http?.port ?? this.#options.port;
  }

  get address(): string {
    return `${this.#options.host}:${this.port}`;
  }

  /** Schedulers are this master's from now on. */
  lead(master: Master): void {
    this.#part = { is: 'leading', master };
  }

  /** Sends schedulers on to `leader`, `host:port`. */
  follow(leader: () => string): void {
    this.#part = { is: 'following', leader };
  }

  /** Ends every connection, as if the process died. */
  async close(): Promise<void> {
    await this.#http?.close();
  }

  #admit({ path, authorization }: { path: string; authorization: string | undefined }): Answer | undefined {
    if (this.#options.credentials && this.#principal(authorization) === undefined) {
      const headers = { 'WWW-Authenticate': 'Basic realm="mesos-master-scheduler"' };
      return { status: 401, text: '401 Unauthorized.', headers };
    }
    if (this.#part.is === 'recovering') return { status: 503, text: 'Master has not finished recovery' };
    if (this.#part.is === 'leading') return undefined;
    // Scheme-relative, and with the name of Mesos's own process in the path, whichever was asked for.
    const location = `//${this.#part.leader()}/${path.replace(/^\/(master\/)?/, 'master/')}`;
    return { status: 307, headers: { Location: location } };
  }

  /** Who the caller has proved to be. */
  #principal(authorization: string | undefined): string | undefined {
    const [, encoded = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? [];
    const [principal = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
    const { credentials = {} } = this.#options;
    const secret = Object.hasOwn(credentials, principal) ? credentials[principal] : undefined;
    return secret !== undefined && isSame(secret, rest.join(':')) ? principal : undefined;
  }
}

function isSame(secret: string, said: string): boolean {
  const [a, b] = [Buffer.from(secret), Buffer.from(said)];
  return a.length === b.length && timingSafeEqual(a, b);
}
