import { OperatorError } from '../errors.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { PhaseName } from '../model/phase.ts';
import type { StepRequest } from '../model/step.ts';
import type { Storage } from '../storage/storage.ts';

export interface HowToOpen {
  /** A missing directory is made. */
  create: boolean;
  /** False: a store that is busy or far away is given up soon. */
  patient: boolean;
  /** Where the node keeps what is needed to go on with an upload that was cut short. */
  uploadsDirectory?: string;
  /** Credentials that came with the request. */
  given?: GivenCredentials | undefined;
}

export type OpenStorage = (location: string, how: HowToOpen) => Promise<Storage>;

/** The phases that bring something to the location; for the others it has to be there. */
const CREATING: ReadonlySet<PhaseName> = new Set(['preflight', 'snapshot', 'backup']);

/** Jobs that only read begin with these: that nobody answers is told soon, and what follows has its patience. */
const LOOKING: ReadonlySet<PhaseName> = new Set(['check', 'inspect']);

/** Opens the location of a step. Throws what the storage throws, with words that say what to do. */
export async function openLocation({ phase, type, location }: StepRequest, open: OpenStorage): Promise<Storage> {
  const create = CREATING.has(phase) && type !== 'ADOPT';
  try {
    if (LOOKING.has(phase)) await open(location, { create, patient: false });
    return await open(location, { create, patient: phase !== 'preflight' });
  } catch (error) {
    throw withHint(error);
  }
}

/** Of a step's error the hint is not read: it becomes a part of the message. */
export function withHint(error: unknown): unknown {
  if (!(error instanceof OperatorError) || error.hint === undefined) return error;
  const { code, message, hint, details } = error;
  const said = message.includes(hint) ? message : `${message.trim().replace(/\.$/, '')}. ${hint}`;
  return new OperatorError(code, said, { cause: error, details });
}
