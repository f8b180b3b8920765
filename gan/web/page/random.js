/* NumPy's RandomState, which NumPy has frozen for good: Mersenne Twister (Matsumoto and Nishimura 1998), doubles of 53 bits, and
   normal numbers by Marsaglia's polar method. A seed means the same stream here as there. */
export class RandomState {
  constructor(seed) {  // 0 ... 2^32 - 1
    this.state = new Uint32Array(624);
    this.state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const last = this.state[i - 1] ^ this.state[i - 1] >>> 30;
      this.state[i] = Math.imul(1812433253, last) + i;
    }
    this.place = 624;
    this.spare = null;  // the polar method makes two at a time
  }

  next() {  // 32 bits
    const s = this.state;
    if (this.place === 624) {
      for (let i = 0; i < 624; i++) {
        const y = s[i] & 0x80000000 | s[(i + 1) % 624] & 0x7fffffff;
        s[i] = s[(i + 397) % 624] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.place = 0;
    }
    let y = s[this.place++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return (y ^ y >>> 18) >>> 0;
  }

  sample() {  // random_sample(): [0, 1)
    const high = this.next() >>> 5, low = this.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  normal() {  // one of randn()
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    let a, b, square;
    do {
      a = 2 * this.sample() - 1;
      b = 2 * this.sample() - 1;
      square = a * a + b * b;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt(-2 * Math.log(square) / square);
    this.spare = scale * a;
    return scale * b;
  }
}
