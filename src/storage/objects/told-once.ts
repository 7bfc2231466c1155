import type { TransferOptions } from '../storage.ts';

/** For something that may be moved more than once: gives the options of each time, so that who asked is told each byte once. */
export function toldOnce({ signal, onBytes }: TransferOptions = {}): () => TransferOptions {
  let told = 0;
  return () => {
    let moved = 0;
    return {
      ...(signal === undefined ? {} : { signal }),
      onBytes: (bytes) => {
        moved += bytes;
        if (moved > told) onBytes?.(moved - told);
        told = Math.max(told, moved);
      },
    };
  };
}
