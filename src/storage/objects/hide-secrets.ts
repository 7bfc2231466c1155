/** Parameters of a query that are a right by themselves: Azure's shared access signature, Google's session of an upload. */
const SECRET = /\b(sig|upload_id)(=|%3D)[^&\s"'<>]+/gi;

/** What stands before a store may repeat in its answer what it was asked for: the text without what lets others in. */
export function hideSecrets(text: string): string {
  return text.replace(SECRET, '$1$2…');
}
