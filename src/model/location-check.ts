/** What the scheduler's host sees of a location, by reading alone. */
export interface LocationCheck {
  location: string;
  /** It could be opened and listed from this host. A node may have credentials, and a way, that this host has not. */
  reachable: boolean;
  /** Of a directory: whether this process may write there. Null where only trying would tell: each backup begins with that, on the nodes. */
  writable: boolean | null;
  /** Why it is not reachable. */
  error?: { code: string; message: string; hint?: string };
}
