import { OperatorError } from '../../errors.ts';
import type { Coding } from '../storage.ts';

/** Of a place that stores every file as it is, and reads those alone. */
export const PLAIN: Coding = {
  mayRefer: () => Promise.resolve((encoding) => encoding === undefined),
  async checkReadable(encodings) {
    for (const encoding of encodings) {
      if (encoding === undefined) continue;
      throw new OperatorError('INTERNAL', 'expected a storage that decodes what it reads, got one that does not');
    }
  },
};
