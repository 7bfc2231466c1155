/** The polynomial of CRC-32, reflected: as zlib's and Cassandra's. */
const POLYNOMIAL = 0xed_b8_83_20;
/** x to the power of 0. */
const ONE = 0x80_00_00_00;

/** The CRC-32 of two pieces one after the other, from that of each and the second one's length in bytes. */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfX(secondBytes * 8), first) ^ second) >>> 0;
}

/** x^n modulo the polynomial. */
function powerOfX(n: number): number {
  let result = ONE;
  let square = ONE >>> 1;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(square, result);
    square = multiply(square, square);
  }
  return result;
}

/** The product of two polynomials modulo that of CRC-32; the highest bit is the coefficient of x^0. */
function multiply(left: number, right: number): number {
  let product = 0;
  let shifted = right;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((left & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}
