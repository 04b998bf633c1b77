using System;
using System.Security.Cryptography;

namespace Guestwire
{

/// <summary>SHA-256 (FIPS 180-4) where .NET has only SHA256Managed, which takes two to three times as long: here no round
/// moves registers, the schedule's words are locals, and few array indexes are left to check.</summary>
class PlainSha256 : HashAlgorithm
{
    /// <summary>The constants of 16 rounds: fields, because an array checks its index each time.</summary>
    class Rounds
    {
        public uint K0, K1, K2, K3, K4, K5, K6, K7, K8, K9, K10, K11, K12, K13, K14, K15;
        public Rounds Next;
    }

    static readonly Rounds First = MakeRounds();
    readonly uint[] _state = new uint[8];
    readonly uint[] _words = new uint[256];
    readonly byte[] _rest = new byte[64];
    int _restLength;
    long _total;

    public PlainSha256()
    {
        HashSizeValue = 256;
        Initialize();
    }

    static Rounds MakeRounds()
    {
        uint[] k = MakeConstants();
        Rounds first = null;
        for (int i = 48; i >= 0; i -= 16)
        {
            Rounds made = new Rounds();
            made.K0 = k[i]; made.K1 = k[i + 1]; made.K2 = k[i + 2]; made.K3 = k[i + 3];
            made.K4 = k[i + 4]; made.K5 = k[i + 5]; made.K6 = k[i + 6]; made.K7 = k[i + 7];
            made.K8 = k[i + 8]; made.K9 = k[i + 9]; made.K10 = k[i + 10]; made.K11 = k[i + 11];
            made.K12 = k[i + 12]; made.K13 = k[i + 13]; made.K14 = k[i + 14]; made.K15 = k[i + 15];
            made.Next = first;
            first = made;
        }
        return first;
    }

    /// <summary>The fractions of the cube roots of the first 64 primes.</summary>
    static uint[] MakeConstants()
    {
        uint[] made = new uint[64];
        for (int n = 2, count = 0; count < 64; n++)
        {
            bool prime = true;
            for (int d = 2; d * d <= n; d++) if (n % d == 0) prime = false;
            if (prime) made[count++] = Fraction(Cube, n);
        }
        return made;
    }

    delegate bool Above(decimal root, int n);

    static bool Cube(decimal root, int n) { return root * root * root > n; }

    static bool Square(decimal root, int n) { return root * root > n; }

    /// <summary>32 bits behind the point of a root, bit by bit: doubles would do for most.</summary>
    static uint Fraction(Above above, int n)
    {
        decimal root = 1;
        while (!above(root + 1, n)) root++;
        uint bits = 0;
        decimal half = 0.5m;
        for (int i = 31; i >= 0; i--, half /= 2)
        {
            if (above(root + half, n)) continue;
            root += half;
            bits |= 1u << i;
        }
        return bits;
    }

    public override void Initialize()
    {
        int[] primes = { 2, 3, 5, 7, 11, 13, 17, 19 };
        for (int i = 0; i < 8; i++) _state[i] = Start[i] != 0 ? Start[i] : Start[i] = Fraction(Square, primes[i]);
        _restLength = 0;
        _total = 0;
    }

    static readonly uint[] Start = new uint[8];     // the same of the square roots of the first 8, made once

    protected override void HashCore(byte[] data, int offset, int count)
    {
        _total += count;
        if (_restLength > 0)
        {
            int part = Math.Min(64 - _restLength, count);
            Buffer.BlockCopy(data, offset, _rest, _restLength, part);
            _restLength += part;
            offset += part;
            count -= part;
            if (_restLength < 64) return;
            Blocks(_rest, 0, 64);
            _restLength = 0;
        }
        int whole = count & ~63;
        Blocks(data, offset, whole);
        offset += whole;
        count -= whole;
        Buffer.BlockCopy(data, offset, _rest, 0, count);
        _restLength = count;
    }

    protected override byte[] HashFinal()
    {
        long bits = _total * 8;
        byte[] end = new byte[(_restLength < 56 ? 64 : 128) - _restLength];
        end[0] = 0x80;
        Bytes.PutU64(end, end.Length - 8, (ulong)bits);
        HashCore(end, 0, end.Length);
        byte[] made = new byte[32];
        for (int i = 0; i < 8; i++) Bytes.PutU32(made, 4 * i, _state[i]);
        return made;
    }

    /// <summary>A multiple of 64 bytes. As words they come from memory in a quarter of the steps; Windows knows
    /// little-endian machines only.</summary>
    void Blocks(byte[] data, int offset, int count)
    {
        for (int size; count > 0; offset += size, count -= size)
        {
            size = Math.Min(count, 4 * _words.Length);
            Buffer.BlockCopy(data, offset, _words, 0, size);
            for (int at = 0; at < size / 4; at += 16) Block(at);
        }
    }

    /// <summary>Long because it's unrolled: sixteen rounds a turn, so that each names its own registers and word.</summary>
    void Block(int at)
    {
        uint[] words = _words;
        uint w0 = words[at]; w0 = (w0 >> 8 | w0 << 24) & 0xff00ff00 | (w0 << 8 | w0 >> 24) & 0x00ff00ff;
        uint w1 = words[at + 1]; w1 = (w1 >> 8 | w1 << 24) & 0xff00ff00 | (w1 << 8 | w1 >> 24) & 0x00ff00ff;
        uint w2 = words[at + 2]; w2 = (w2 >> 8 | w2 << 24) & 0xff00ff00 | (w2 << 8 | w2 >> 24) & 0x00ff00ff;
        uint w3 = words[at + 3]; w3 = (w3 >> 8 | w3 << 24) & 0xff00ff00 | (w3 << 8 | w3 >> 24) & 0x00ff00ff;
        uint w4 = words[at + 4]; w4 = (w4 >> 8 | w4 << 24) & 0xff00ff00 | (w4 << 8 | w4 >> 24) & 0x00ff00ff;
        uint w5 = words[at + 5]; w5 = (w5 >> 8 | w5 << 24) & 0xff00ff00 | (w5 << 8 | w5 >> 24) & 0x00ff00ff;
        uint w6 = words[at + 6]; w6 = (w6 >> 8 | w6 << 24) & 0xff00ff00 | (w6 << 8 | w6 >> 24) & 0x00ff00ff;
        uint w7 = words[at + 7]; w7 = (w7 >> 8 | w7 << 24) & 0xff00ff00 | (w7 << 8 | w7 >> 24) & 0x00ff00ff;
        uint w8 = words[at + 8]; w8 = (w8 >> 8 | w8 << 24) & 0xff00ff00 | (w8 << 8 | w8 >> 24) & 0x00ff00ff;
        uint w9 = words[at + 9]; w9 = (w9 >> 8 | w9 << 24) & 0xff00ff00 | (w9 << 8 | w9 >> 24) & 0x00ff00ff;
        uint w10 = words[at + 10]; w10 = (w10 >> 8 | w10 << 24) & 0xff00ff00 | (w10 << 8 | w10 >> 24) & 0x00ff00ff;
        uint w11 = words[at + 11]; w11 = (w11 >> 8 | w11 << 24) & 0xff00ff00 | (w11 << 8 | w11 >> 24) & 0x00ff00ff;
        uint w12 = words[at + 12]; w12 = (w12 >> 8 | w12 << 24) & 0xff00ff00 | (w12 << 8 | w12 >> 24) & 0x00ff00ff;
        uint w13 = words[at + 13]; w13 = (w13 >> 8 | w13 << 24) & 0xff00ff00 | (w13 << 8 | w13 >> 24) & 0x00ff00ff;
        uint w14 = words[at + 14]; w14 = (w14 >> 8 | w14 << 24) & 0xff00ff00 | (w14 << 8 | w14 >> 24) & 0x00ff00ff;
        uint w15 = words[at + 15]; w15 = (w15 >> 8 | w15 << 24) & 0xff00ff00 | (w15 << 8 | w15 >> 24) & 0x00ff00ff;
        uint a = _state[0], b = _state[1], c = _state[2], d = _state[3];
        uint e = _state[4], f = _state[5], g = _state[6], h = _state[7];
        for (Rounds k = First; ; k = k.Next)
        {
            h += ((e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)) + (g ^ e & (f ^ g)) + k.K0 + w0;
            d += h;
            h += ((a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)) + (a & b | c & (a | b));
            g += ((d >> 6 | d << 26) ^ (d >> 11 | d << 21) ^ (d >> 25 | d << 7)) + (f ^ d & (e ^ f)) + k.K1 + w1;
            c += g;
            g += ((h >> 2 | h << 30) ^ (h >> 13 | h << 19) ^ (h >> 22 | h << 10)) + (h & a | b & (h | a));
            f += ((c >> 6 | c << 26) ^ (c >> 11 | c << 21) ^ (c >> 25 | c << 7)) + (e ^ c & (d ^ e)) + k.K2 + w2;
            b += f;
            f += ((g >> 2 | g << 30) ^ (g >> 13 | g << 19) ^ (g >> 22 | g << 10)) + (g & h | a & (g | h));
            e += ((b >> 6 | b << 26) ^ (b >> 11 | b << 21) ^ (b >> 25 | b << 7)) + (d ^ b & (c ^ d)) + k.K3 + w3;
            a += e;
            e += ((f >> 2 | f << 30) ^ (f >> 13 | f << 19) ^ (f >> 22 | f << 10)) + (f & g | h & (f | g));
            d += ((a >> 6 | a << 26) ^ (a >> 11 | a << 21) ^ (a >> 25 | a << 7)) + (c ^ a & (b ^ c)) + k.K4 + w4;
            h += d;
            d += ((e >> 2 | e << 30) ^ (e >> 13 | e << 19) ^ (e >> 22 | e << 10)) + (e & f | g & (e | f));
            c += ((h >> 6 | h << 26) ^ (h >> 11 | h << 21) ^ (h >> 25 | h << 7)) + (b ^ h & (a ^ b)) + k.K5 + w5;
            g += c;
            c += ((d >> 2 | d << 30) ^ (d >> 13 | d << 19) ^ (d >> 22 | d << 10)) + (d & e | f & (d | e));
            b += ((g >> 6 | g << 26) ^ (g >> 11 | g << 21) ^ (g >> 25 | g << 7)) + (a ^ g & (h ^ a)) + k.K6 + w6;
            f += b;
            b += ((c >> 2 | c << 30) ^ (c >> 13 | c << 19) ^ (c >> 22 | c << 10)) + (c & d | e & (c | d));
            a += ((f >> 6 | f << 26) ^ (f >> 11 | f << 21) ^ (f >> 25 | f << 7)) + (h ^ f & (g ^ h)) + k.K7 + w7;
            e += a;
            a += ((b >> 2 | b << 30) ^ (b >> 13 | b << 19) ^ (b >> 22 | b << 10)) + (b & c | d & (b | c));
            h += ((e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)) + (g ^ e & (f ^ g)) + k.K8 + w8;
            d += h;
            h += ((a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)) + (a & b | c & (a | b));
            g += ((d >> 6 | d << 26) ^ (d >> 11 | d << 21) ^ (d >> 25 | d << 7)) + (f ^ d & (e ^ f)) + k.K9 + w9;
            c += g;
            g += ((h >> 2 | h << 30) ^ (h >> 13 | h << 19) ^ (h >> 22 | h << 10)) + (h & a | b & (h | a));
            f += ((c >> 6 | c << 26) ^ (c >> 11 | c << 21) ^ (c >> 25 | c << 7)) + (e ^ c & (d ^ e)) + k.K10 + w10;
            b += f;
            f += ((g >> 2 | g << 30) ^ (g >> 13 | g << 19) ^ (g >> 22 | g << 10)) + (g & h | a & (g | h));
            e += ((b >> 6 | b << 26) ^ (b >> 11 | b << 21) ^ (b >> 25 | b << 7)) + (d ^ b & (c ^ d)) + k.K11 + w11;
            a += e;
            e += ((f >> 2 | f << 30) ^ (f >> 13 | f << 19) ^ (f >> 22 | f << 10)) + (f & g | h & (f | g));
            d += ((a >> 6 | a << 26) ^ (a >> 11 | a << 21) ^ (a >> 25 | a << 7)) + (c ^ a & (b ^ c)) + k.K12 + w12;
            h += d;
            d += ((e >> 2 | e << 30) ^ (e >> 13 | e << 19) ^ (e >> 22 | e << 10)) + (e & f | g & (e | f));
            c += ((h >> 6 | h << 26) ^ (h >> 11 | h << 21) ^ (h >> 25 | h << 7)) + (b ^ h & (a ^ b)) + k.K13 + w13;
            g += c;
            c += ((d >> 2 | d << 30) ^ (d >> 13 | d << 19) ^ (d >> 22 | d << 10)) + (d & e | f & (d | e));
            b += ((g >> 6 | g << 26) ^ (g >> 11 | g << 21) ^ (g >> 25 | g << 7)) + (a ^ g & (h ^ a)) + k.K14 + w14;
            f += b;
            b += ((c >> 2 | c << 30) ^ (c >> 13 | c << 19) ^ (c >> 22 | c << 10)) + (c & d | e & (c | d));
            a += ((f >> 6 | f << 26) ^ (f >> 11 | f << 21) ^ (f >> 25 | f << 7)) + (h ^ f & (g ^ h)) + k.K15 + w15;
            e += a;
            a += ((b >> 2 | b << 30) ^ (b >> 13 | b << 19) ^ (b >> 22 | b << 10)) + (b & c | d & (b | c));
            if (k.Next == null) break;
            w0 += w9 + ((w1 >> 7 | w1 << 25) ^ (w1 >> 18 | w1 << 14) ^ w1 >> 3)
                + ((w14 >> 17 | w14 << 15) ^ (w14 >> 19 | w14 << 13) ^ w14 >> 10);
            w1 += w10 + ((w2 >> 7 | w2 << 25) ^ (w2 >> 18 | w2 << 14) ^ w2 >> 3)
                + ((w15 >> 17 | w15 << 15) ^ (w15 >> 19 | w15 << 13) ^ w15 >> 10);
            w2 += w11 + ((w3 >> 7 | w3 << 25) ^ (w3 >> 18 | w3 << 14) ^ w3 >> 3)
                + ((w0 >> 17 | w0 << 15) ^ (w0 >> 19 | w0 << 13) ^ w0 >> 10);
            w3 += w12 + ((w4 >> 7 | w4 << 25) ^ (w4 >> 18 | w4 << 14) ^ w4 >> 3)
                + ((w1 >> 17 | w1 << 15) ^ (w1 >> 19 | w1 << 13) ^ w1 >> 10);
            w4 += w13 + ((w5 >> 7 | w5 << 25) ^ (w5 >> 18 | w5 << 14) ^ w5 >> 3)
                + ((w2 >> 17 | w2 << 15) ^ (w2 >> 19 | w2 << 13) ^ w2 >> 10);
            w5 += w14 + ((w6 >> 7 | w6 << 25) ^ (w6 >> 18 | w6 << 14) ^ w6 >> 3)
                + ((w3 >> 17 | w3 << 15) ^ (w3 >> 19 | w3 << 13) ^ w3 >> 10);
            w6 += w15 + ((w7 >> 7 | w7 << 25) ^ (w7 >> 18 | w7 << 14) ^ w7 >> 3)
                + ((w4 >> 17 | w4 << 15) ^ (w4 >> 19 | w4 << 13) ^ w4 >> 10);
            w7 += w0 + ((w8 >> 7 | w8 << 25) ^ (w8 >> 18 | w8 << 14) ^ w8 >> 3)
                + ((w5 >> 17 | w5 << 15) ^ (w5 >> 19 | w5 << 13) ^ w5 >> 10);
            w8 += w1 + ((w9 >> 7 | w9 << 25) ^ (w9 >> 18 | w9 << 14) ^ w9 >> 3)
                + ((w6 >> 17 | w6 << 15) ^ (w6 >> 19 | w6 << 13) ^ w6 >> 10);
            w9 += w2 + ((w10 >> 7 | w10 << 25) ^ (w10 >> 18 | w10 << 14) ^ w10 >> 3)
                + ((w7 >> 17 | w7 << 15) ^ (w7 >> 19 | w7 << 13) ^ w7 >> 10);
            w10 += w3 + ((w11 >> 7 | w11 << 25) ^ (w11 >> 18 | w11 << 14) ^ w11 >> 3)
                + ((w8 >> 17 | w8 << 15) ^ (w8 >> 19 | w8 << 13) ^ w8 >> 10);
            w11 += w4 + ((w12 >> 7 | w12 << 25) ^ (w12 >> 18 | w12 << 14) ^ w12 >> 3)
                + ((w9 >> 17 | w9 << 15) ^ (w9 >> 19 | w9 << 13) ^ w9 >> 10);
            w12 += w5 + ((w13 >> 7 | w13 << 25) ^ (w13 >> 18 | w13 << 14) ^ w13 >> 3)
                + ((w10 >> 17 | w10 << 15) ^ (w10 >> 19 | w10 << 13) ^ w10 >> 10);
            w13 += w6 + ((w14 >> 7 | w14 << 25) ^ (w14 >> 18 | w14 << 14) ^ w14 >> 3)
                + ((w11 >> 17 | w11 << 15) ^ (w11 >> 19 | w11 << 13) ^ w11 >> 10);
            w14 += w7 + ((w15 >> 7 | w15 << 25) ^ (w15 >> 18 | w15 << 14) ^ w15 >> 3)
                + ((w12 >> 17 | w12 << 15) ^ (w12 >> 19 | w12 << 13) ^ w12 >> 10);
            w15 += w8 + ((w0 >> 7 | w0 << 25) ^ (w0 >> 18 | w0 << 14) ^ w0 >> 3)
                + ((w13 >> 17 | w13 << 15) ^ (w13 >> 19 | w13 << 13) ^ w13 >> 10);
        }
        _state[0] += a; _state[1] += b; _state[2] += c; _state[3] += d;
        _state[4] += e; _state[5] += f; _state[6] += g; _state[7] += h;
    }
}

}
