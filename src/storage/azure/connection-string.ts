/** What a connection string of Azure Storage says. */
export interface ConnectionString {
  account: string | null;
  /** Of the blob service, without a `/` at its end. */
  endpoint: string | null;
  key: string | null;
  /** Without a `?` before it. */
  sas: string | null;
}

/** Reads `DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…`, or `BlobEndpoint=…;SharedAccessSignature=…`. Null: it says not enough. */
export function parseConnectionString(text: string): ConnectionString | null {
  const settings = new Map<string, string>();
  for (const part of text.split(';')) {
    const [, name = '', value = ''] = /^\s*(\w+)=(.*?)\s*$/s.exec(part) ?? [];
    if (value !== '') settings.set(name.toLowerCase(), value);
  }
  const account = settings.get('accountname') ?? null;
  const key = settings.get('accountkey') ?? null;
  const sas = settings.get('sharedaccesssignature')?.replace(/^\?/, '') ?? null;
  const given = settings.get('blobendpoint') ?? null;
  if ((key === null) === (sas === null) || (account === null && (given === null || key !== null))) return null;
  if (given !== null && !URL.canParse(given)) return null;
  const protocol = settings.get('defaultendpointsprotocol') ?? 'https';
  const suffix = settings.get('endpointsuffix') ?? 'core.windows.net';
  return { account, key, sas, endpoint: given?.replace(/\/+$/, '') ?? `${protocol}://${account}.blob.${suffix}` };
}
