/** The polynomial of CRC-32, reflected: as zlib's and Cassandra's. */
const CRC32 = 0xed_b8_83_20;
/** The one of CRC-32C, reflected. */
const CRC32C = 0x82_f6_3b_78;
/** x to the power of 0. */
const ONE = 0x80_00_00_00;

/** The CRC-32 of two pieces one after the other, from that of each and the second one's length in bytes; that of nothing is 0. */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return combine(CRC32, first, second, secondBytes);
}

/** The same of CRC-32C. */
export function combineCrc32c(first: number, second: number, secondBytes: number): number {
  return combine(CRC32C, first, second, secondBytes);
}

function combine(polynomial: number, first: number, second: number, secondBytes: number): number {
  return (multiply(polynomial, powerOfX(polynomial, secondBytes * 8), first) ^ second) >>> 0;
}

/** x^n modulo the polynomial. */
function powerOfX(polynomial: number, n: number): number {
  let result = ONE;
  let square = ONE >>> 1;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(polynomial, square, result);
    square = multiply(polynomial, square, square);
  }
  return result;
}

/** The product of two polynomials modulo the first; the highest bit is the coefficient of x^0. */
function multiply(polynomial: number, left: number, right: number): number {
  let product = 0;
  let shifted = right;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((left & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product >>> 0;
}
