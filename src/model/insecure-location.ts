/** What to warn of where a location is reached without a check of who answers; null for all others. Its options are not told. */
export function insecureLocation(location: string): string | null {
  const [place = '', query = ''] = location.split('?', 2);
  if (!place.includes('://') || new URLSearchParams(query).get('insecure') !== 'true') return null;
  return `${place} has insecure=true: certificates are not checked, so anybody in between can read and alter backups. Give caFile=/path instead.`;
}
