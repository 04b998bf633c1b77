using System;

namespace Guestwire
{

/// <summary>Adler-32 (RFC 1950).</summary>
static class Adler32
{
    const uint Base = 65521;
    const int Run = 5552;                   // so many bytes before the sums could overflow

    public static uint Add(uint sum, byte[] data, int offset, int count)
    {
        uint a = sum & 0xffff, b = sum >> 16;
        int end = offset + count;
        for (int at = offset; at < end; )
        {
            for (int stop = Math.Min(end, at + Run); at < stop; at++)
            {
                a += data[at];
                b += a;
            }
            a %= Base;
            b %= Base;
        }
        return b << 16 | a;
    }
}

}
