using System;

namespace Guestwire
{

/// <summary>CRC-32 of zlib and IEEE 802.3, eight bytes a step ("slicing by 8").</summary>
static class Crc32
{
    const int WordsAtOnce = 1024;
    /// <summary>Eight tables of 256 in a row: what k zero bytes behind a byte make of it is at 256 * k.</summary>
    static readonly uint[] Table = MakeTable();
    [ThreadStatic]
    static uint[] _words;

    static uint[] MakeTable()
    {
        uint[] table = new uint[8 * 256];
        for (uint n = 0; n < 256; n++)
        {
            uint value = n;
            for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? 0xedb88320 ^ (value >> 1) : value >> 1;
            table[n] = value;
        }
        for (int n = 256; n < table.Length; n++) table[n] = table[table[n - 256] & 0xff] ^ (table[n - 256] >> 8);
        return table;
    }

    /// <summary>As words the bytes come from memory in fewer steps; see PlainSha256.Blocks.</summary>
    public static uint Of(byte[] data, int offset, int count)
    {
        uint[] table = Table, words = _words;
        if (words == null) _words = words = new uint[WordsAtOnce];
        uint crc = 0xffffffff;
        int at = offset, end = offset + count;
        for (int size; (size = Math.Min(end - at, 4 * WordsAtOnce) & ~7) > 0; at += size)
        {
            Buffer.BlockCopy(data, at, words, 0, size);
            for (int i = 0; i < size / 4; i += 2)
            {
                crc ^= words[i];
                uint next = words[i + 1];
                crc = table[1792 + (byte)crc] ^ table[1536 + (byte)(crc >> 8)]
                    ^ table[1280 + (byte)(crc >> 16)] ^ table[1024 + (crc >> 24)]
                    ^ table[768 + (byte)next] ^ table[512 + (byte)(next >> 8)]
                    ^ table[256 + (byte)(next >> 16)] ^ table[next >> 24];
            }
        }
        for (; at < end; at++) crc = table[(byte)(crc ^ data[at])] ^ (crc >> 8);
        return ~crc;
    }
}

}
