/** What refers to credentials without being any, as a location says it in `credentials`. */
export const CREDENTIALS_REFERENCE = /^(?:file:\/.+|secret:[^/].*|env:[A-Z][A-Z0-9_]*)$/;

/** In words, for messages. */
export const CREDENTIALS_EXPECTED = 'file:/path, secret:name or env:PREFIX_';

/** Credentials that came with a request, by the names of the kind of store. In memory only: never stored, logged or told. */
export type GivenCredentials = Readonly<Record<string, string>>;

/** What credentials are sealed for. At another place they are of no use to whoever could launch tasks. */
export function sealedFor(taskId: string, location: string): string {
  return JSON.stringify([taskId, location]);
}

/** One way to prove who one is: what it needs, and what may come with it. */
export interface CredentialWay {
  needed: readonly string[];
  optional?: readonly string[];
}

/** The ways of each kind of store, by the scheme of its locations. */
export const CREDENTIAL_WAYS: Readonly<Record<string, readonly CredentialWay[]>> = {
  s3: [{ needed: ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'], optional: ['SESSION_TOKEN'] }],
  azure: [
    { needed: ['CONNECTION_STRING'] },
    { needed: ['ACCOUNT_KEY'], optional: ['ACCOUNT'] },
    { needed: ['SAS'], optional: ['ACCOUNT'] },
    { needed: ['CLIENT_ID', 'TENANT_ID', 'CLIENT_SECRET'], optional: ['ACCOUNT', 'AUTHORITY_HOST'] },
  ],
  // The service account's JSON as text.
  gs: [{ needed: ['CREDENTIALS'] }],
};

/** Every name that a kind of store knows. */
export const CREDENTIAL_NAMES: ReadonlySet<string> = new Set(
  Object.values(CREDENTIAL_WAYS)
    .flat()
    .flatMap(({ needed, optional = [] }) => [...needed, ...optional]),
);

/** The value of a name in a file of credentials: of AWS' (`aws_access_key_id = …`) as of one of variables (`export ACCESS_KEY_ID="…"`). */
export function credentialIn(text: string, name: string): string | undefined {
  const line = new RegExp(`^\\s*(?:export\\s+)?(?:aws_|azure_)?${name}\\s*=\\s*(.*?)\\s*$`, 'im').exec(text)?.[1];
  return line?.replace(/^(["'])(.*)\1$/, '$2');
}
