# Guestwire receiver for Windows: writes the files a host sends over a COM port
# or a virtio channel.
#
#   powershell -ExecutionPolicy Bypass -File receiver.ps1 [-Port NAME,...] [-Root DIR] [-ReadOnly] [-LogLevel LEVEL]
#
# Runs on Windows PowerShell 2.0 (Windows 7 as installed) to 5.1 and on
# PowerShell 7; one file, so that it can be pasted into a guest that has no
# network. What goes over the line is described in PROTOCOL.md, whose section
# numbers the comments cite.
#
# Nearly all of it is the C# program below, which Add-Type compiles in memory
# when the script starts: C# 3 and the classes of .NET 2.0, for that is what
# Windows 7 has. PowerShell itself does nothing but hand over the arguments.
#
# Threads of one port, and who may touch what:
#
#     reader     waits for bytes, parses, handles frames under the port's lock
#     writer     sends what is to be sent, and keeps the time, under the same lock
#     worker     requests in the order of their frames: opens and writes files,
#                hashes what passes
#     finishers  up to four, for what may take long: flush and rename of a
#                commit, the files of a bundle, the hash of a stat, a signature

$engine = @'
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

// ---------------------------------------------------------------------------
// 1. Constants of the protocol
// ---------------------------------------------------------------------------

static class Wire
{
    public const string Version = "0.1.0";
    public const int ProtocolLow = 1, ProtocolHigh = 1;

    public const int HeaderBytes = 24, Overhead = 28;
    public const byte Hello = 1, Welcome = 2, Ack = 3, Ping = 4, Pong = 5, Reset = 6;
    public const byte Control = 0x10, Data = 0x11, Copy = 0x12, Lane = 0x13;
    public const byte Reliable = 0x10;      // this bit of the type
    public const byte FlagGap = 1;          // of ACK
    public const byte FlagAsk = 1;          // of reliable frames
    public const byte FlagEncoded = 2;      // of DATA

    public const int TextMax = 16384;       // section 2
    public const int FrameMin = 16384;      // what every reader accepts
    public const int WindowMax = 1 << 20;   // of a host's window we make use of this much
    public const double IdleS = 0.4;        // section 1, rule 4
    public const double ProbeS = 0.6;       // section 4
    public const double SessionS = 30;      // section 3.5
    public const double UnknownS = 0.5;     // section 3.4
    public const int Streams = 16;

    public const int RepliesMax = 1024;     // unacknowledged replies; beyond it no further frame is taken
    public const int PendingMax = 8;        // sessions that were welcomed but have not spoken yet
    public const int OutMax = 65536;        // bytes for a line that takes none: then ACK, PONG are left out
    public const int SymlinksMax = 40;      // as in Linux
    public const int SweptMax = 4096;       // directories remembered as free of orphans
    public const int Finishers = 4;
    public const int Chunk = 1 << 16;       // one step of hashing
    public const int Step = 1 << 18;        // bytes inflated or copied before anything else is looked at
    public const int BlockMin = 512, BlockMax = 4194304, BlocksMax = 262144;    // section 6
    public const int PartialMin = 65536;    // a shorter part of a file is not worth keeping
    public const double PartialDays = 7;
    public const int BundleMax = 1 << 20, RecordsMax = 1024, DepthMax = 256;
    public const int FoldersMax = 64;       // directories of a bundle that are held at once
    public const int NoMode = 0xffff;
    public const ulong NoMtime = ulong.MaxValue;
    public const int LaneHead = 5;          // bytes before what a LANE frame wraps
    public const int LanesMax = 7;          // that join one session
    public const int LaneWindows = LanesMax + 1;    // of frames waiting for an earlier one

    /// <summary>Section 7: frame and window of a device.</summary>
    public static void Limits(string device, out int frame, out int window)
    {
        switch (device)
        {
            case "channel": frame = 262144; window = 4194304; break;
            case "console": frame = 65536; window = 196608; break;
            default: frame = 4096; window = 32768; break;
        }
    }

    /// <summary>Of a device with this frame.</summary>
    public static bool HasLanes(int frame) { return frame < FrameMin; }
}

/// <summary>System.Action is not in .NET 2.0.</summary>
delegate void Job();

static class Clock
{
    static readonly Stopwatch Watch = Stopwatch.StartNew();

    public static double Now { get { return Watch.Elapsed.TotalSeconds; } }
}

// ---------------------------------------------------------------------------
// 2. Log: what a peer says is never written raw to somebody's console
// ---------------------------------------------------------------------------

static class Log
{
    public static readonly string[] Levels = { "error", "warning", "info", "debug" };
    public static int Level = 1;
    static readonly object Gate = new object();

    public static void Write(string text)
    {
        try
        {
            lock (Gate) { Console.Error.Write(Printable(text) + "\n"); Console.Error.Flush(); }
        }
        catch (IOException) { }             // nobody listens: no reason to stop serving
    }

    static void Say(int level, string text)
    {
        if (level <= Level) Write("receiver: " + Levels[level] + ": " + text);
    }

    public static void Error(string text) { Say(0, text); }
    public static void Warning(string text) { Say(1, text); }
    public static void Info(string text) { Say(2, text); }
    public static void Debug(string text) { Say(3, text); }

    public static void Defect(Exception error)
    {
        Error("defect: " + error.GetType().Name + ": " + error.Message);
        Debug(error.ToString());
    }

    /// <summary>ASCII without control characters; everything else is escaped.</summary>
    public static string Printable(string text)
    {
        StringBuilder made = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c >= ' ' && c <= '~') made.Append(c);
            else if (c == '\n') made.Append("\\n");
            else if (c == '\r') made.Append("\\r");
            else if (c == '\t') made.Append("\\t");
            else made.Append(c < 0x100 ? "\\x" + ((int)c).ToString("x2") : "\\u" + ((int)c).ToString("x4"));
        }
        return made.ToString();
    }
}

// ---------------------------------------------------------------------------
// 3. Text payloads (section 2 of the protocol)
// ---------------------------------------------------------------------------

class BadText : Exception
{
    public BadText(string message) : base(message) { }
}

/// <summary>Keys and values in their order; values are bytes.</summary>
class Fields
{
    public readonly List<KeyValuePair<string, byte[]>> Items = new List<KeyValuePair<string, byte[]>>();

    public byte[] this[string key]
    {
        get
        {
            foreach (KeyValuePair<string, byte[]> item in Items) if (item.Key == key) return item.Value;
            return null;
        }
    }

    public Fields Add(string key, byte[] value)
    {
        Items.Add(new KeyValuePair<string, byte[]>(key, value));
        return this;
    }

    public Fields Add(string key, string value) { return Add(key, Encoding.UTF8.GetBytes(value)); }

    public Fields Add(string key, long value) { return Add(key, value.ToString()); }

    /// <summary>The value as ASCII text, null if there is none; bytes past 7F become "?".</summary>
    public string Ascii(string key)
    {
        byte[] value = this[key];
        return value == null ? null : Encoding.ASCII.GetString(value);
    }

    public bool Yes(string key) { return Ascii(key) == "1"; }

    public Fields Without(string first, string second)
    {
        Fields kept = new Fields();
        foreach (KeyValuePair<string, byte[]> item in Items)
            if (item.Key != first && item.Key != second) kept.Items.Add(item);
        return kept;
    }
}

static class Texts
{
    /// <summary>The verb and fields of a text payload; BadText if it is invalid.</summary>
    public static string Read(byte[] data, int length, Fields fields)
    {
        if (length > Wire.TextMax) throw new BadText("text of more than " + Wire.TextMax + " bytes");
        if (length == 0 || data[length - 1] != '\n') throw new BadText("last line without LF");
        int at = 0;
        string verb = null;
        while (at < length)
        {
            int end = Array.IndexOf(data, (byte)'\n', at, length - at);
            if (verb == null) verb = Name(data, at, end, "invalid verb");
            else ReadLine(data, at, end, fields);
            at = end + 1;
        }
        return verb;
    }

    static string Name(byte[] data, int start, int end, string complaint)
    {
        for (int i = start; i < end; i++)
        {
            byte b = data[i];
            if (!(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-')) throw new BadText(complaint);
        }
        if (start == end) throw new BadText(complaint);
        return Encoding.ASCII.GetString(data, start, end - start);
    }

    static void ReadLine(byte[] data, int start, int end, Fields fields)
    {
        int equals = Array.IndexOf(data, (byte)'=', start, end - start);
        if (equals < 0) throw new BadText("invalid line");
        string key = Name(data, start, equals, "invalid line");
        if (fields[key] != null) throw new BadText("key " + key + " given twice");
        MemoryStream value = new MemoryStream();
        for (int i = equals + 1; i < end; i++)
        {
            byte b = data[i];
            if (b < 0x21 || b > 0x7e) throw new BadText("invalid line");
            if (b != '%') { value.WriteByte(b); continue; }
            int high = i + 2 < end ? Digit(data[i + 1]) : -1, low = i + 2 < end ? Digit(data[i + 2]) : -1;
            if (high < 0 || low < 0) throw new BadText("invalid line");
            value.WriteByte((byte)(16 * high + low));
            i += 2;
        }
        fields.Add(key, value.ToArray());
    }

    static int Digit(byte b)
    {
        if (b >= '0' && b <= '9') return b - '0';
        int letter = b | 0x20;
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    }

    public static byte[] Write(string verb, Fields fields)
    {
        StringBuilder made = new StringBuilder(verb).Append('\n');
        foreach (KeyValuePair<string, byte[]> item in fields.Items)
        {
            made.Append(item.Key).Append('=');
            foreach (byte b in item.Value)
            {
                if (b >= 0x21 && b <= 0x7e && b != '%') made.Append((char)b);
                else made.Append('%').Append(b.ToString("X2"));
            }
            made.Append('\n');
        }
        return Encoding.ASCII.GetBytes(made.ToString());
    }

    /// <summary>A reply never exceeds what a text may have: a path that does is
    /// cut out (it was the host's own, escaped to up to three times its length).</summary>
    public static byte[] WriteReply(string verb, Fields fields)
    {
        byte[] payload = Write(verb, fields);
        return payload.Length <= Wire.TextMax ? payload : Write(verb, fields.Without("path", "target"));
    }
}

// ---------------------------------------------------------------------------
// 4. Checksums
// ---------------------------------------------------------------------------

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

/// <summary>SHA-256 (FIPS 180-4) where only a managed one is to be had: two to
/// three times as fast as SHA256Managed. Its rounds turn no registers, the words
/// of the schedule are locals, and hardly an index is there to be checked.</summary>
class PlainSha256 : HashAlgorithm
{
    /// <summary>The constants of 16 rounds: fields, for an array's index is checked each time.</summary>
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

/// <summary>SHA-256 by what the platform has: Windows' own code, through .NET
/// 3.5 and later, is several times faster than the managed one of .NET 2.0.</summary>
class Sha256
{
    static readonly Type Fastest = FindFastest();
    readonly HashAlgorithm _hash;

    static Type FindFastest()
    {
        if (Environment.OSVersion.Platform != PlatformID.Win32NT) return null;
        string core = ", System.Core, Version={0}, Culture=neutral, PublicKeyToken=b77a5c561934e089";
        foreach (string name in new string[] { "SHA256Cng", "SHA256CryptoServiceProvider" })
            foreach (string version in new string[] { "4.0.0.0", "3.5.0.0" })
            {
                try
                {
                    Type found = Type.GetType("System.Security.Cryptography." + name + string.Format(core, version));
                    if (found == null) continue;
                    ((HashAlgorithm)Activator.CreateInstance(found)).Clear();
                    return found;
                }
                catch (Exception error) { Log.Debug(name + ": " + error.Message); }
            }
        return null;
    }

    public Sha256()
    {
        if (Fastest != null) _hash = (HashAlgorithm)Activator.CreateInstance(Fastest);
        else
        {
            // .NET 5 and later hand out the platform's
            _hash = SHA256.Create();
            if (_hash.GetType().Name == "SHA256Managed") _hash = new PlainSha256();     // obsolete to name since .NET 6
        }
    }

    public void Add(byte[] data, int offset, int count)
    {
        if (count > 0) _hash.TransformBlock(data, offset, count, data, offset);
    }

    /// <summary>Nothing can be added afterwards.</summary>
    public byte[] Finish()
    {
        _hash.TransformFinalBlock(new byte[0], 0, 0);
        return _hash.Hash;
    }

    public string FinishHex() { return Hex(Finish()); }

    public static string Hex(byte[] bytes)
    {
        StringBuilder made = new StringBuilder(2 * bytes.Length);
        foreach (byte b in bytes) made.Append(b.ToString("x2"));
        return made.ToString();
    }
}

// ---------------------------------------------------------------------------
// 5. Frames (section 1)
// ---------------------------------------------------------------------------

static class Bytes
{
    public static uint U32(byte[] data, int at)
    {
        return (uint)(data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]);
    }

    public static ulong U64(byte[] data, int at) { return (ulong)U32(data, at) << 32 | U32(data, at + 4); }

    public static void PutU32(byte[] data, int at, uint value)
    {
        data[at] = (byte)(value >> 24);
        data[at + 1] = (byte)(value >> 16);
        data[at + 2] = (byte)(value >> 8);
        data[at + 3] = (byte)value;
    }

    public static void PutU64(byte[] data, int at, ulong value)
    {
        PutU32(data, at, (uint)(value >> 32));
        PutU32(data, at + 4, (uint)value);
    }
}

/// <summary>A frame found; its payload lies in the parser's buffer until the
/// next Space().</summary>
class Frame
{
    public byte Type, Flags;
    public int Stream;
    public uint Session, Sequence;
    public byte[] Data;
    public int Offset, Length;

    public byte[] Payload()
    {
        byte[] copy = new byte[Length];
        Buffer.BlockCopy(Data, Offset, copy, 0, Length);
        return copy;
    }

    public static byte[] Encode(byte type, int flags, int stream, uint session, uint sequence, byte[] payload)
    {
        int length = payload.Length;
        byte[] made = new byte[length == 0 ? Wire.HeaderBytes : Wire.Overhead + length];
        made[0] = 0xf5; made[1] = (byte)'G'; made[2] = (byte)'W'; made[3] = (byte)'1';
        made[4] = type;
        made[5] = (byte)flags;
        made[6] = (byte)(stream >> 8);
        made[7] = (byte)stream;
        Bytes.PutU32(made, 8, session);
        Bytes.PutU32(made, 12, sequence);
        Bytes.PutU32(made, 16, (uint)length);
        Bytes.PutU32(made, 20, Crc32.Of(made, 0, 20));
        if (length == 0) return made;
        Buffer.BlockCopy(payload, 0, made, Wire.HeaderBytes, length);
        Bytes.PutU32(made, Wire.HeaderBytes + length, Crc32.Of(payload, 0, length));
        return made;
    }
}

/// <summary>Finds frames in a stream with noise. The reading thread puts bytes
/// at Data[End], after Space(), and reports them by Filled(); all else happens
/// under the port's lock.</summary>
class Parser
{
    const int ReadBytes = 65536;
    readonly int _limit;
    int _start, _need = 1;                  // bytes from _start before looking again
    public readonly byte[] Data;
    public int End { get; private set; }
    public long Dropped { get; private set; }

    public Parser(int limit)
    {
        _limit = Math.Max(limit, Wire.FrameMin);
        Data = new byte[2 * (_limit + Wire.Overhead) + 2 * ReadBytes];
    }

    public int Kept { get { return End - _start; } }

    /// <summary>How many more bytes make the frame begun whole, 0 if none is begun.</summary>
    public int Missing { get { return Kept > 0 ? Math.Max(1, _need - Kept) : 0; } }

    /// <summary>The room at Data[End]; at least ReadBytes and the rest of the frame begun.</summary>
    public int Space()
    {
        if (_start == End) _start = End = 0;
        else if (Data.Length - End < ReadBytes || Data.Length - _start < _need)
        {
            Buffer.BlockCopy(Data, _start, Data, 0, Kept);
            End -= _start;
            _start = 0;
        }
        return Data.Length - End;
    }

    public void Filled(int count) { End += count; }

    /// <summary>Does not move End: a read into the buffer may be under way.</summary>
    public void Clear() { Drop(Kept); _need = 1; }

    /// <summary>Rule 4: 400 ms passed without a byte while something is kept.</summary>
    public void Idle()
    {
        if (Kept == 0) return;
        Drop(1);
        _need = 0;
    }

    void Drop(int count)
    {
        _start += count;
        Dropped += count;
    }

    /// <summary>The next whole frame, null if there is none yet.</summary>
    public Frame Next()
    {
        while (Kept > 0 && Kept >= _need)
        {
            if (!FindMagic()) { _need = Kept + 1; return null; }
            if (Kept < Wire.HeaderBytes) { _need = Wire.HeaderBytes; return null; }
            int length = (int)Math.Min(Bytes.U32(Data, _start + 16), int.MaxValue);
            if (length > _limit || Crc32.Of(Data, _start, 20) != Bytes.U32(Data, _start + 20))
            {
                Drop(1);
                _need = 0;
                continue;
            }
            int total = length == 0 ? Wire.HeaderBytes : Wire.Overhead + length;
            if (Kept < total) { _need = total; return null; }
            int at = _start + Wire.HeaderBytes;
            if (length > 0 && Crc32.Of(Data, at, length) != Bytes.U32(Data, at + length))
            {
                Drop(Wire.HeaderBytes);
                _need = 0;
                continue;
            }
            Frame found = Taken(length);
            _start += total;
            _need = 1;
            return found;
        }
        return null;
    }

    Frame Taken(int length)
    {
        Frame frame = new Frame();
        frame.Type = Data[_start + 4];
        frame.Flags = Data[_start + 5];
        frame.Stream = Data[_start + 6] << 8 | Data[_start + 7];
        frame.Session = Bytes.U32(Data, _start + 8);
        frame.Sequence = Bytes.U32(Data, _start + 12);
        frame.Data = Data;
        frame.Offset = _start + Wire.HeaderBytes;
        frame.Length = length;
        return frame;
    }

    bool FindMagic()
    {
        for (int at = _start; at < End; at++)
        {
            at = Array.IndexOf(Data, (byte)0xf5, at, End - at);
            if (at < 0) break;
            if ((at + 1 >= End || Data[at + 1] == 'G') && (at + 2 >= End || Data[at + 2] == 'W')
                && (at + 3 >= End || Data[at + 3] == '1'))
            {
                Drop(at - _start);          // a whole magic, or what may begin one
                return Kept >= 4;
            }
        }
        Drop(Kept);
        return false;
    }
}

// ---------------------------------------------------------------------------
// 6. The two halves of the reliable stream (section 4); under the port's lock
// ---------------------------------------------------------------------------

/// <summary>Says which frames to take and when to acknowledge.</summary>
class ReliableReader
{
    readonly int _window;
    readonly long _holdMax;
    public long Next { get; private set; }
    long _arrived, _givenBack, _acknowledged;
    bool _gapTold, _gapDue, _askDue;

    public ReliableReader(int window, int frame)
    {
        _window = window;
        _holdMax = 2 * window + frame + Wire.Overhead;
    }

    long Held { get { return _arrived - _givenBack; } }

    /// <summary>True if the frame is the expected one and there is room for it.</summary>
    public bool Offer(uint sequence, int size, bool ask)
    {
        if (sequence < Next) { _askDue = true; return false; }
        if (sequence > Next)
        {
            if (!_gapTold) _gapTold = _gapDue = true;
            return false;
        }
        if (Held + size > _holdMax) return false;   // a sender that ignores the window: as if lost
        Next++;
        _arrived += size;
        _gapTold = _gapDue = false;
        _askDue = _askDue || ask;
        return true;
    }

    public void GiveBack(int size) { _givenBack += size; }

    /// <summary>A quarter of the window was given back since the last ACK.</summary>
    public bool RoomGrew { get { return _givenBack - _acknowledged >= _window / 4; } }

    /// <summary>Where a further frame has begun to come the host is not waiting for the ACK it asked for.</summary>
    public bool IsAckDue(bool frameBegun) { return _gapDue || RoomGrew || _askDue && !frameBegun; }

    public int AckFlags { get { return _gapDue ? Wire.FlagGap : 0; } }

    /// <summary>Writes next and window, for an ACK or PONG that the caller sends now.</summary>
    public void Tell(byte[] body, int at)
    {
        _askDue = _gapDue = false;
        _acknowledged = _givenBack;
        Bytes.PutU32(body, at, (uint)Next);
        Bytes.PutU32(body, at + 4, (uint)Math.Max(0, _window - Held));
    }
}

/// <summary>Keeps frames until they are acknowledged; sends again only what is
/// proven to be lost.</summary>
class ReliableSender
{
    class Entry
    {
        public byte Type;
        public int Stream;
        public byte[] Payload;
        public int Size { get { return Payload.Length + Wire.Overhead; } }
    }

    readonly uint _session;
    readonly List<Entry> _frames = new List<Entry>();       // _frames[0] has the number _base
    readonly List<KeyValuePair<uint, long>> _pings = new List<KeyValuePair<uint, long>>();
    long _window, _base, _bytesUnderWay;
    int _underWay;                          // so many of them
    double _progress, _pingAt = -Wire.ProbeS;
    uint _pingId;

    public ReliableSender(uint session, long window)
    {
        _session = session;
        _window = window;
    }

    public int Count { get { return _frames.Count; } }

    public void Add(byte type, int stream, byte[] payload, double now)
    {
        if (_frames.Count == 0) _progress = now;
        Entry entry = new Entry();
        entry.Type = type;
        entry.Stream = stream;
        entry.Payload = payload;
        _frames.Add(entry);
    }

    bool Fits(int size) { return _underWay == 0 ? _window > 0 : _bytesUnderWay + size <= _window; }

    public bool CanSend { get { return _underWay < _frames.Count && Fits(_frames[_underWay].Size); } }

    /// <summary>Adds the encoded frames that may go now; the last one has ASK.</summary>
    public void Pump(List<byte[]> made)
    {
        int first = _underWay;
        while (_underWay < _frames.Count && Fits(_frames[_underWay].Size))
            _bytesUnderWay += _frames[_underWay++].Size;
        for (int i = first; i < _underWay; i++)
            made.Add(Frame.Encode(_frames[i].Type, i == _underWay - 1 ? Wire.FlagAsk : 0, _frames[i].Stream,
                                  _session, (uint)(_base + i), _frames[i].Payload));
    }

    /// <summary>False if the number is impossible.</summary>
    public bool Acknowledged(long upto, long window, double now)
    {
        if (upto < _base) return true;      // an old one is no offence
        if (upto > _base + _underWay) return false;
        _window = Math.Min(window, Wire.WindowMax);
        if (upto > _base) _progress = now;
        int count = (int)(upto - _base);
        for (int i = 0; i < count; i++) _bytesUnderWay -= _frames[i].Size;
        _frames.RemoveRange(0, count);
        _underWay -= count;
        _base = upto;
        return true;
    }

    public void Gap()
    {
        _underWay = 0;
        _bytesUnderWay = 0;
        _pings.Clear();                     // what they would prove is being mended
    }

    public void Pong(uint id, long upto)
    {
        int index = _pings.FindIndex(delegate(KeyValuePair<uint, long> ping) { return ping.Key == id; });
        if (index < 0) return;
        long sentBefore = _pings[index].Value;
        _pings.RemoveAt(index);
        if (upto == _base && upto < sentBefore) Gap();
    }

    public double Deadline
    {
        get { return _frames.Count == 0 ? double.MaxValue : Math.Max(_progress, _pingAt) + Wire.ProbeS; }
    }

    /// <summary>True if a PING with this number is to be sent now.</summary>
    public bool Probe(double now, out uint id)
    {
        id = 0;
        if (now < Deadline) return false;
        _pingAt = now;
        id = ++_pingId;
        _pings.Add(new KeyValuePair<uint, long>(id, _base + _underWay));
        if (_pings.Count > 16) _pings.RemoveAt(0);
        return true;
    }
}

// ---------------------------------------------------------------------------
// 7. DEFLATE (RFC 1951), fed in pieces of any size
// ---------------------------------------------------------------------------

class BadData : Exception
{
    public BadData(string message) : base(message) { }
}

delegate void Sink(byte[] data, int offset, int count);

/// <summary>.NET's own DeflateStream pulls its input and cannot stop in the
/// middle of it; frames push. So every step here either has all the bits it
/// needs or leaves the state as it was and waits for the next frame.</summary>
class Inflate
{
    enum State { Header, StoredLength, Stored, Counts, CodeLengths, Symbol, LengthExtra, Distance, DistanceExtra }

    const int WindowMask = 0xffff;          // twice the 32 KiB that RFC 1951 may refer to
    const int Step = 0x8000;                // so much is handed on at a time

    static readonly int[] LengthBase = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258 };
    static readonly int[] LengthBits = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                         4, 4, 4, 4, 5, 5, 5, 5, 0 };
    static readonly int[] DistanceBase = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
                                           769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
    static readonly int[] DistanceBits = { 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8,
                                           9, 9, 10, 10, 11, 11, 12, 12, 13, 13 };
    static readonly int[] CodeOrder = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    static readonly Huffman FixedSymbols = new Huffman(FixedLengths(), 288);
    static readonly Huffman FixedDistances = new Huffman(Filled(32, 5), 32);

    readonly byte[] _window = new byte[WindowMask + 1];
    readonly Sink _sink;
    int _at, _flushed;                      // positions in the window
    int _history;                           // bytes a distance may reach back, at most 32 KiB
    ulong _bits;
    int _count;                             // bits at hand
    byte[] _input;
    int _next, _end;
    State _state = State.Header;
    Huffman _symbols, _distances;
    int _literals, _distanceCodes, _codes, _index, _length, _distanceSymbol, _symbol;
    readonly byte[] _lengths = new byte[320];

    public Inflate(Sink sink) { _sink = sink; }

    static byte[] Filled(int count, byte value)
    {
        byte[] made = new byte[count];
        for (int i = 0; i < count; i++) made[i] = value;
        return made;
    }

    static byte[] FixedLengths()
    {
        byte[] made = Filled(288, 8);
        for (int i = 144; i < 256; i++) made[i] = 9;
        for (int i = 256; i < 280; i++) made[i] = 7;
        return made;
    }

    /// <summary>A canonical Huffman code: a table for codes of up to 10 bits,
    /// counting for the longer ones.</summary>
    class Huffman
    {
        const int Quick = 10;
        readonly int[] _quick = new int[1 << Quick];        // length + 16 * symbol, 0 if longer or none
        readonly int[] _counts = new int[16];
        readonly int[] _sorted;

        public Huffman(byte[] lengths, int count) : this(lengths, 0, count) { }

        public Huffman(byte[] lengths, int from, int count)
        {
            for (int i = 0; i < count; i++) _counts[lengths[from + i]]++;
            _counts[0] = 0;
            int left = 1, total = 0;
            int[] offsets = new int[17], codes = new int[17];
            for (int length = 1, code = 0; length < 16; length++)
            {
                left = (left << 1) - _counts[length];
                if (left < 0) throw new BadData("over-subscribed Huffman code");
                code = (code + _counts[length - 1]) << 1;
                codes[length] = code;
                offsets[length + 1] = offsets[length] + _counts[length];
                total += _counts[length];
            }
            // as zlib: incomplete only where a single code, or none, is used
            if (left > 0 && total > 1) throw new BadData("incomplete Huffman code");
            _sorted = new int[Math.Max(1, total)];
            for (int i = 0; i < count; i++)
            {
                int length = lengths[from + i];
                if (length == 0) continue;
                _sorted[offsets[length]++] = i;
                Fill(codes[length]++, length, i);
            }
        }

        void Fill(int code, int length, int symbol)
        {
            if (length > Quick) return;
            int reversed = 0;
            for (int i = 0; i < length; i++) reversed |= ((code >> i) & 1) << (length - 1 - i);
            for (int i = reversed; i < _quick.Length; i += 1 << length) _quick[i] = length + 16 * symbol;
        }

        /// <summary>The symbol at the beginning of `bits`, of which `count` are
        /// valid; -1 if they are too few. `length` is what it takes.</summary>
        public int Decode(ulong bits, int count, out int length)
        {
            int entry = _quick[(int)bits & ((1 << Quick) - 1)];
            length = entry & 15;
            if (entry != 0) return length <= count ? entry >> 4 : -1;
            int code = 0, first = 0, index = 0;
            for (length = 1; length < 16; length++)
            {
                if (length > count) return -1;
                code |= (int)(bits >> (length - 1)) & 1;
                if (code - _counts[length] < first) return _sorted[index + code - first];
                index += _counts[length];
                first = (first + _counts[length]) << 1;
                code <<= 1;
            }
            throw new BadData("invalid Huffman code");
        }
    }

    /// <summary>Inflates as much as these bytes allow; the sink has it all when
    /// this returns.</summary>
    public void Feed(byte[] data, int offset, int count)
    {
        _input = data;
        _next = offset;
        _end = offset + count;
        while (Go()) { }
        Flush();
        _input = null;
    }

    bool Need(int bits)
    {
        while (_count < bits)
        {
            if (_next == _end) return false;
            _bits |= (ulong)_input[_next++] << _count;
            _count += 8;
        }
        return true;
    }

    int Take(int bits)
    {
        int value = (int)(_bits & ((1UL << bits) - 1));
        _bits >>= bits;
        _count -= bits;
        return value;
    }

    bool Decode(Huffman code, out int symbol)
    {
        Need(15);                           // or what there is
        int length;
        symbol = code.Decode(_bits, _count, out length);
        if (symbol < 0) return false;
        Take(length);
        return true;
    }

    /// <summary>One step; false if it takes more input.</summary>
    bool Go()
    {
        switch (_state)
        {
            case State.Header: return Header();
            case State.StoredLength: return StoredLength();
            case State.Stored: return Stored();
            case State.Counts: return Counts();
            case State.CodeLengths: return _index < 0 ? OrderedLengths() : CodeLengths();
            case State.Symbol: return Symbols();
            case State.LengthExtra: return LengthExtra();
            case State.Distance: return Distance();
            default: return DistanceExtra();
        }
    }

    bool Header()
    {
        if (!Need(3)) return false;
        if (Take(1) != 0) throw new BadData("the stream ends");    // section 6: it never does
        switch (Take(2))
        {
            case 0:
                Take(_count & 7);
                _state = State.StoredLength;
                return true;
            case 1:
                _symbols = FixedSymbols;
                _distances = FixedDistances;
                _state = State.Symbol;
                return true;
            case 2:
                _state = State.Counts;
                return true;
            default:
                throw new BadData("invalid block type");
        }
    }

    bool StoredLength()
    {
        if (!Need(32)) return false;
        _length = Take(16);
        if (Take(16) != (_length ^ 0xffff)) throw new BadData("invalid stored block");
        _state = State.Stored;
        return true;
    }

    bool Stored()
    {
        for (; _length > 0 && _count > 0; _length--) Put((byte)Take(8));
        while (_length > 0 && _next < _end)
        {
            Put(_input[_next++]);
            _length--;
        }
        if (_length > 0) return false;
        _state = State.Header;
        return true;
    }

    bool Counts()
    {
        if (!Need(14)) return false;
        _literals = Take(5) + 257;
        _distanceCodes = Take(5) + 1;
        _codes = Take(4) + 4;
        if (_literals > 286 || _distanceCodes > 30) throw new BadData("too many codes");
        Array.Clear(_lengths, 0, _lengths.Length);
        _index = -_codes;
        _state = State.CodeLengths;
        return true;
    }

    /// <summary>The code that the lengths of the other two are written in.</summary>
    bool OrderedLengths()
    {
        for (; _index < 0; _index++)
        {
            if (!Need(3)) return false;
            _lengths[CodeOrder[_codes + _index]] = (byte)Take(3);
        }
        _symbols = new Huffman(_lengths, 19);
        Array.Clear(_lengths, 0, 19);
        return true;
    }

    bool CodeLengths()
    {
        int total = _literals + _distanceCodes;
        while (_index < total)
        {
            Need(22);                       // a code and its repetition, or what there is
            int used;
            int symbol = _symbols.Decode(_bits, _count, out used);
            if (symbol < 0) return false;
            if (symbol < 16)
            {
                Take(used);
                _lengths[_index++] = (byte)symbol;
                continue;
            }
            int extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
            if (_count < used + extra) return false;
            Take(used);
            int times = Take(extra) + (symbol == 18 ? 11 : 3);
            if (symbol == 16 && _index == 0 || _index + times > total) throw new BadData("invalid repetition");
            byte value = symbol == 16 ? _lengths[_index - 1] : (byte)0;
            while (times-- > 0) _lengths[_index++] = value;
        }
        if (_lengths[256] == 0) throw new BadData("no end-of-block code");
        _symbols = new Huffman(_lengths, 0, _literals);
        _distances = new Huffman(_lengths, _literals, _distanceCodes);
        _state = State.Symbol;
        return true;
    }

    bool Symbols()
    {
        int symbol;
        while (Decode(_symbols, out symbol))
        {
            if (symbol < 256) { Put((byte)symbol); continue; }
            if (symbol > 285) throw new BadData("invalid length");
            _state = symbol == 256 ? State.Header : State.LengthExtra;
            _symbol = symbol - 257;
            return true;
        }
        return false;
    }

    bool LengthExtra()
    {
        if (!Need(LengthBits[_symbol])) return false;
        _length = LengthBase[_symbol] + Take(LengthBits[_symbol]);
        _state = State.Distance;
        return true;
    }

    bool Distance()
    {
        if (!Decode(_distances, out _distanceSymbol)) return false;
        if (_distanceSymbol > 29) throw new BadData("invalid distance");
        _state = State.DistanceExtra;
        return true;
    }

    bool DistanceExtra()
    {
        if (!Need(DistanceBits[_distanceSymbol])) return false;
        int distance = DistanceBase[_distanceSymbol] + Take(DistanceBits[_distanceSymbol]);
        if (distance > _history) throw new BadData("distance too far back");
        for (; _length > 0; _length--) Put(_window[(_at - distance) & WindowMask]);
        _state = State.Symbol;
        return true;
    }

    void Put(byte value)
    {
        _window[_at] = value;
        _at = (_at + 1) & WindowMask;
        if (_history < 0x8000) _history++;
        if ((_at & (Step - 1)) == 0) Flush();
    }

    /// <summary>Hands on what is new; never more than Step bytes, for Put calls
    /// it at each multiple of that.</summary>
    void Flush()
    {
        int end = _at == 0 && _flushed != 0 ? WindowMask + 1 : _at;
        if (end > _flushed) _sink(_window, _flushed, end - _flushed);
        _flushed = _at;
    }
}

// ---------------------------------------------------------------------------
// 8. Errors (section 5)
// ---------------------------------------------------------------------------

/// <summary>A request that ends in `error`.</summary>
class Refused : Exception
{
    public string Code;
    public string Path;
    readonly string _errno;
    readonly Fields _extra;

    public Refused(string code, string message) : this(code, message, null, null, null) { }

    public Refused(string code, string message, string path) : this(code, message, path, null, null) { }

    public Refused(string code, string message, string path, string errno, Fields extra) : base(message)
    {
        Code = code;
        Path = path;
        _errno = errno;
        _extra = extra;
    }

    public Fields ToFields()
    {
        Fields made = new Fields().Add("code", Code).Add("message", Message);
        if (Path != null) made.Add("path", Path);
        if (_errno != null) made.Add("errno", _errno);
        if (_extra != null) made.Items.AddRange(_extra.Items);
        return made;
    }
}

/// <summary>An error of the operating system: its own name and what the
/// protocol calls it.</summary>
class SystemError : Exception
{
    public readonly string Code, Name;

    /// <summary>The device is gone, or the port's name no longer leads to one.</summary>
    public readonly bool Gone;

    public SystemError(string code, string name, string message, bool gone) : base(message)
    {
        Code = code;
        Name = name;
        Gone = gone;
    }

    public Refused Refuse(string path) { return new Refused(Code, Message, path, Name, null); }

    /// <summary>A write knows no names: what sounds like one is an error of the device.</summary>
    public Refused RefuseWrite(string path)
    {
        bool name = Code == "bad-name" || Code == "exists" || Code == "no-directory";
        return new Refused(name ? "io" : Code, Message, path, Name, null);
    }
}

// ---------------------------------------------------------------------------
// 9. What the operating system does for us. Everything that differs between
//    Windows and the POSIX systems on which the script is tested is in here
// ---------------------------------------------------------------------------

/// <summary>What there is under a name; the name itself, not where a link leads.</summary>
class Facts
{
    public string Kind;                     // as `type` of stat
    public long Size;
    public long Mtime;                      // nanoseconds since 1970
    public int Mode = -1;                   // -1: the system has none
    public bool OnlyLink = true;
    public bool Ours = true;                // belongs to the receiver's user
}

abstract class OpenFile
{
    public abstract int Read(byte[] data, int offset, int count);
    public abstract void Write(byte[] data, int offset, int count);
    public abstract void Seek(long position);
    public abstract void Truncate();        // to nothing
    public abstract void Flush();
    public abstract void SetAttributes(int mode, bool hasMtime, long mtime);
    public abstract Facts Look();
    public abstract void Close();
}

/// <summary>An open serial line, console or channel.</summary>
abstract class Device
{
    public string Kind;

    /// <summary>The number of bytes read; 0 if no host is at the other end, -1
    /// if none came for half a second, or, where Interrupt does anything, until
    /// it was called. `wanted` is the rest of the frame begun.</summary>
    public abstract int Read(byte[] data, int offset, int room, int wanted);

    /// <summary>After Read said 0: waits until it may say something else, or for a while.</summary>
    public virtual void AwaitHost() { Thread.Sleep(200); }

    /// <summary>Ends a wait of another thread.</summary>
    public virtual void Interrupt() { }

    /// <summary>The number of bytes written, perhaps 0, after at most half a second.</summary>
    public abstract int Write(byte[] data, int offset, int count);

    public abstract bool InputWaits();
    public abstract void Drain(double limit);
    public abstract void Close();
}

/// <summary>A path as the system takes it, in two parts. Name is empty for the
/// directory itself.</summary>
class Place
{
    public string Directory, Name;
    public bool IsNul;                      // Windows' null device, which is in no directory
}

abstract class Platform
{
    public static readonly Platform Current =
        Environment.OSVersion.Platform == PlatformID.Win32NT ? (Platform)new WindowsPlatform() : new PosixPlatform();

    public abstract string System { get; }
    public abstract char Separator { get; }
    public abstract string Capabilities { get; }
    public abstract string Home { get; }

    // paths
    public abstract Place Parse(string path, string root);
    public abstract bool IsAbsolute(string path);
    public abstract IDisposable Hold(string directory, out string real);   // null: it has no final name
    public abstract string Parent(string directory);        // null at the top
    public abstract StringComparer NameComparer { get; }    // which names are one
    public abstract void CheckName(string name);    // Refused if the system would take it for something else

    // files; a path is one that Parse made
    public abstract Facts Look(string path);                // null if there is nothing
    public abstract OpenFile Create(string path);           // fails if it exists; used by nobody else
    public abstract OpenFile Open(string path, bool exclusively);
    public abstract OpenFile OpenDevice(string path);
    public abstract void Replace(string from, string to);
    public abstract bool MoveNew(string from, string to);   // false if `to` exists
    public abstract void CheckReplaceable(string path);
    public abstract void Delete(string path);
    public abstract bool DeleteUnused(string path);         // false if a receiver has it open
    public abstract bool MakeDirectory(string path);        // false if it exists
    public abstract void SetAttributes(string path, int mode, bool hasMtime, long mtime);
    public abstract string ReadLink(string path);
    public abstract void MakeLink(string target, string path);
    public abstract List<string> Temporaries(string directory);     // names that begin ".guestwire-"
    public abstract long FreeBytes(string directory);       // -1: unknown
    public abstract void FlushDirectory(string directory);

    // ports
    public abstract string PortName(string name);
    public abstract string DeviceKind(string port);
    public abstract Device OpenPort(string port, int speed);
    public abstract List<string> FindPorts();
    public abstract void OnStop(Job stop);

    public bool SameName(string a, string b) { return NameComparer.Equals(a, b); }

    public string Join(string directory, string name)
    {
        if (name.Length == 0) return directory;
        return directory[directory.Length - 1] == Separator ? directory + name : directory + Separator + name;
    }
}

// ---------------------------------------------------------------------------
// 9a. POSIX: for the tests, which have no Windows. libc is called directly, so
//     that Mono and .NET behave alike; the numbers are those of Linux on x86-64
// ---------------------------------------------------------------------------

static class Libc
{
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NoControl = 0x100,
        NonBlocking = 0x800, Directory = 0x10000, NoFollow = 0x20000, CloseOnExec = 0x80000;
    public const int Enoent = 2, Eintr = 4, Eagain = 11, Eexist = 17, Einval = 22;
    public const int LockExclusive = 2, LockNow = 4;        // of flock: or EAGAIN
    public const int CurrentDirectory = -100, LinkItself = 0x100;   // of utimensat: AT_FDCWD, AT_SYMLINK_NOFOLLOW
    public const int OwnerReadWrite = 0x180, AllReadWrite = 0x1b6, AllBits = 0x1ff, Sticky = 0x200, SetGroupId = 0x400;  // of a mode
    public const short PollIn = 1, PollOut = 4;
    public const int EpollAdd = 1;
    public const uint EpollIn = 1, EpollEdge = 0x80000000;
    public const int FromStart = 0, AtOnce = 0;             // of lseek, of tcsetattr
    public const uint B115200 = 0x1002;
    public const uint ReceiverOn = 0x80, IgnoreModemLines = 0x800, HangUpOnClose = 0x400, HardwareFlow = 0x80000000;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd { public int Fd; public short Events, Got; }

    [DllImport("libc", SetLastError = true)] public static extern int open(byte[] path, int flags, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int close(int fd);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr read(int fd, IntPtr data, IntPtr count);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr write(int fd, IntPtr data, IntPtr count);
    [DllImport("libc", SetLastError = true)] public static extern int poll(PollFd[] fds, IntPtr count, int timeout);
    [DllImport("libc", SetLastError = true)] public static extern long lseek(int fd, long offset, int whence);
    [DllImport("libc", SetLastError = true)] public static extern int ftruncate(int fd, long length);
    [DllImport("libc", SetLastError = true)] public static extern int fsync(int fd);
    [DllImport("libc", SetLastError = true)] public static extern int fchmod(int fd, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int flock(int fd, int operation);
    [DllImport("libc", SetLastError = true)] public static extern int fstat(int fd, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int lstat(byte[] path, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int statvfs(byte[] path, byte[] facts);
    [DllImport("libc", SetLastError = true)] public static extern int mkdir(byte[] path, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int chmod(byte[] path, int mode);
    [DllImport("libc", SetLastError = true)] public static extern int unlink(byte[] path);
    [DllImport("libc", SetLastError = true)] public static extern int link(byte[] from, byte[] to);
    [DllImport("libc", SetLastError = true)] public static extern int rename(byte[] from, byte[] to);
    [DllImport("libc", SetLastError = true)] public static extern int symlink(byte[] target, byte[] path);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr readlink(byte[] path, byte[] made, IntPtr size);
    [DllImport("libc", SetLastError = true)] public static extern IntPtr realpath(byte[] path, byte[] made);
    [DllImport("libc", SetLastError = true)] public static extern int futimens(int fd, long[] times);
    [DllImport("libc", SetLastError = true)] public static extern int utimensat(int fd, byte[] path, long[] times, int flags);
    [DllImport("libc", SetLastError = true)] public static extern int tcgetattr(int fd, byte[] settings);
    [DllImport("libc", SetLastError = true)] public static extern int tcsetattr(int fd, int when, byte[] settings);
    [DllImport("libc", SetLastError = true)] public static extern int tcdrain(int fd);
    [DllImport("libc", SetLastError = true)] public static extern int pipe2(int[] ends, int flags);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_create1(int flags);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_ctl(int epoll, int what, int fd, byte[] wanted);
    [DllImport("libc", SetLastError = true)] public static extern int epoll_wait(int epoll, byte[] got, int most, int timeout);
    [DllImport("libc")] public static extern void cfmakeraw(byte[] settings);
    [DllImport("libc")] public static extern int cfsetspeed(byte[] settings, uint speed);
    [DllImport("libc")] public static extern int umask(int mask);
    [DllImport("libc")] public static extern int geteuid();
    [DllImport("libc")] public static extern IntPtr strerror(int number);

    public static byte[] Path(string path) { return Encoding.UTF8.GetBytes(path + "\0"); }

    /// <summary>Behind symbolic links; null if it leads nowhere, and then Error tells why.</summary>
    public static string RealPath(string path)
    {
        byte[] made = new byte[8192];
        return realpath(Path(path), made) == IntPtr.Zero ? null
            : Encoding.UTF8.GetString(made, 0, Array.IndexOf(made, (byte)0));
    }

    /// <summary>The number of the last error, for which the caller has no use itself.</summary>
    public static SystemError Error()
    {
        int number = Marshal.GetLastWin32Error();
        string message = Marshal.PtrToStringAnsi(strerror(number));
        // ENOENT, EIO, ENXIO, EBADF, ENODEV, EPIPE
        bool gone = Array.IndexOf(new int[] { 2, 5, 6, 9, 19, 32 }, number) >= 0;
        switch (number)
        {
            case 1: return new SystemError("permission", "EPERM", message, gone);
            case 2: return new SystemError("no-directory", "ENOENT", message, gone);
            case 13: return new SystemError("permission", "EACCES", message, gone);
            case 17: return new SystemError("exists", "EEXIST", message, gone);
            case 20: return new SystemError("not-a-directory", "ENOTDIR", message, gone);
            case 21: return new SystemError("is-directory", "EISDIR", message, gone);
            case 22: return new SystemError("bad-name", "EINVAL", message, gone);
            case 26: return new SystemError("sharing", "ETXTBSY", message, gone);
            case 27: return new SystemError("too-large", "EFBIG", message, gone);
            case 28: return new SystemError("no-space", "ENOSPC", message, gone);
            case 30: return new SystemError("read-only-filesystem", "EROFS", message, gone);
            case 36: return new SystemError("name-too-long", "ENAMETOOLONG", message, gone);
            case 40: return new SystemError("io", "ELOOP", message, gone);
            case 84: return new SystemError("bad-name", "EILSEQ", message, gone);
            case 122: return new SystemError("quota", "EDQUOT", message, gone);
            default: return new SystemError("io", null, message, gone);
        }
    }

    public static int Check(int result)
    {
        if (result < 0) throw Error();
        return result;
    }

    /// <summary>read() or write() on part of an array; -1 for EAGAIN.</summary>
    public static int Transfer(bool reading, int fd, byte[] data, int offset, int count)
    {
        GCHandle pinned = GCHandle.Alloc(data, GCHandleType.Pinned);
        try
        {
            IntPtr at = new IntPtr(pinned.AddrOfPinnedObject().ToInt64() + offset);
            while (true)
            {
                int done = (int)(reading ? read(fd, at, new IntPtr(count)) : write(fd, at, new IntPtr(count)));
                if (done >= 0) return done;
                int number = Marshal.GetLastWin32Error();
                if (number == Eagain) return -1;
                if (number != Eintr) throw Error();
            }
        }
        finally { pinned.Free(); }
    }

    /// <summary>True if the event is there within the time; hang-ups and errors count.</summary>
    public static bool Poll(int fd, short events, int milliseconds)
    {
        PollFd[] one = new PollFd[1];
        one[0].Fd = fd;
        one[0].Events = events;
        return poll(one, new IntPtr(1), milliseconds) > 0;
    }

    /// <summary>Until one of them has something to read, or hangs up.</summary>
    public static void AwaitInput(int first, int second)
    {
        PollFd[] both = new PollFd[2];
        both[0].Fd = first;
        both[1].Fd = second;
        both[0].Events = both[1].Events = PollIn;
        poll(both, new IntPtr(2), -1);
    }

    /// <summary>struct epoll_event begins with the events; which port it was is not asked.</summary>
    public static void Watch(int epoll, int fd, uint events)
    {
        byte[] wanted = new byte[16];
        Buffer.BlockCopy(BitConverter.GetBytes(events), 0, wanted, 0, 4);
        Check(epoll_ctl(epoll, EpollAdd, fd, wanted));
    }

    /// <summary>What tells apart the files of a directory: st_ino is at 8.</summary>
    public static long FileNumber(byte[] stat) { return BitConverter.ToInt64(stat, 8); }

    /// <summary>struct stat: the mode at 24, user 28, size 48, mtime 88, links 16.</summary>
    public static Facts ReadStat(byte[] stat)
    {
        Facts facts = new Facts();
        int mode = BitConverter.ToInt32(stat, 24);
        switch (mode & 0xf000)
        {
            case 0x8000: facts.Kind = "file"; break;
            case 0x4000: facts.Kind = "directory"; break;
            case 0xa000: facts.Kind = "symlink"; break;
            case 0x2000: facts.Kind = "device"; break;
            default: facts.Kind = "special"; break;
        }
        facts.Mode = mode & 0xfff;
        facts.Size = BitConverter.ToInt64(stat, 48);
        facts.Mtime = BitConverter.ToInt64(stat, 88) * 1000000000 + BitConverter.ToInt64(stat, 96);
        facts.OnlyLink = BitConverter.ToInt64(stat, 16) == 1;
        facts.Ours = BitConverter.ToInt32(stat, 28) == geteuid();
        return facts;
    }

    /// <summary>Access and modification time for utimensat.</summary>
    public static long[] Times(long mtime)
    {
        long seconds = mtime / 1000000000, rest = mtime % 1000000000;
        if (rest < 0) { seconds--; rest += 1000000000; }
        return new long[] { seconds, rest, seconds, rest };
    }
}

class PosixFile : OpenFile
{
    int _fd;

    public PosixFile(int fd) { _fd = fd; }

    public override int Read(byte[] data, int offset, int count)
    {
        return Libc.Transfer(true, _fd, data, offset, count);
    }

    public override void Write(byte[] data, int offset, int count)
    {
        double limit = Clock.Now + 30;
        while (count > 0)
        {
            int done = Libc.Transfer(false, _fd, data, offset, count);
            if (done < 0)
            {
                if (Clock.Now > limit) throw new SystemError("io", "ETIMEDOUT", "the device takes no data", false);
                Libc.Poll(_fd, Libc.PollOut, 200);
                continue;
            }
            offset += done;
            count -= done;
        }
    }

    public override void Seek(long position)
    {
        if (Libc.lseek(_fd, position, Libc.FromStart) < 0) throw Libc.Error();
    }

    public override void Truncate()
    {
        Libc.Check(Libc.ftruncate(_fd, 0));
        Seek(0);
    }

    public override void Flush() { Libc.Check(Libc.fsync(_fd)); }

    public override void SetAttributes(int mode, bool hasMtime, long mtime)
    {
        Libc.Check(Libc.fchmod(_fd, mode < 0 ? Libc.AllReadWrite & ~PosixPlatform.Umask : mode & Libc.AllBits));
        if (hasMtime) Libc.Check(Libc.futimens(_fd, Libc.Times(mtime)));
    }

    public override Facts Look()
    {
        byte[] stat = new byte[256];
        Libc.Check(Libc.fstat(_fd, stat));
        return Libc.ReadStat(stat);
    }

    public override void Close()
    {
        if (_fd >= 0) Libc.close(_fd);
        _fd = -1;
    }
}

class PosixDevice : Device
{
    const int HostlessMs = 5000;            // how often to look for a host, should no event come
    readonly int _fd;
    readonly byte[] _saved = new byte[256];
    readonly bool _terminal;
    readonly int[] _interrupt = new int[2]; // a pipe: reading end, writing end
    int _edge = -1;                         // an epoll, while there is no host
    string _triggerFile, _trigger;          // what Close puts back; null where it was not changed
    double _heard, _byteS = 5e-6;           // seconds a byte takes, once measured

    public PosixDevice(string path, string kind)
    {
        Kind = kind;
        int flags = Libc.ReadWrite | Libc.NoControl | Libc.NonBlocking | Libc.CloseOnExec;
        _fd = Libc.Check(Libc.open(Libc.Path(path), flags, 0));
        try
        {
            byte[] stat = new byte[256];
            Libc.Check(Libc.fstat(_fd, stat));
            if (Libc.ReadStat(stat).Kind != "device") throw new SystemError("io", null, "not a device", false);
            if (Libc.flock(_fd, Libc.LockExclusive | Libc.LockNow) < 0 && Marshal.GetLastWin32Error() == Libc.Eagain)
                throw new SystemError("io", null, "another receiver serves it", false);
            _terminal = kind != "channel" && Libc.tcgetattr(_fd, _saved) == 0;
            if (_terminal) MakeRaw();
            Libc.Check(Libc.pipe2(_interrupt, Libc.CloseOnExec | Libc.NonBlocking));
            if (kind == "uart") RaiseTrigger(path);
        }
        catch (SystemError)
        {
            Libc.close(_fd);
            throw;
        }
    }

    void MakeRaw()
    {
        byte[] raw = (byte[])_saved.Clone();
        Libc.cfmakeraw(raw);
        // c_cflag is at 8
        uint control = BitConverter.ToUInt32(raw, 8) & ~(Libc.HangUpOnClose | Libc.HardwareFlow);
        control |= Libc.ReceiverOn | Libc.IgnoreModemLines;
        Buffer.BlockCopy(BitConverter.GetBytes(control), 0, raw, 8, 4);
        if (Kind == "uart") Libc.cfsetspeed(raw, Libc.B115200);
        Libc.Check(Libc.tcsetattr(_fd, 0, raw));
    }

    /// <summary>The UART interrupts once per so many bytes: 14 of 16 gives the
    /// fastest transfer. Needs root; without it the transfer is slower.</summary>
    void RaiseTrigger(string path)
    {
        string file = "/sys/class/tty/" + Path.GetFileName(Libc.RealPath(path) ?? path) + "/rx_trig_bytes";
        try
        {
            string before = File.ReadAllText(file).Trim();
            if (before == "14") return;
            File.WriteAllText(file, "14");
            _triggerFile = file;
            _trigger = before;
        }
        catch (SystemException error) { Log.Info(path + ": receive trigger left as it is: " + error.Message); }
    }

    public override int Read(byte[] data, int offset, int room, int wanted)
    {
        bool napped = Nap(wanted);
        int count = napped ? Libc.Transfer(true, _fd, data, offset, room) : -1;
        if (count < 0)
        {
            napped = false;
            Libc.AwaitInput(_fd, _interrupt[0]);
            count = Libc.Transfer(true, _fd, data, offset, room);
        }
        if (count == 0 && Kind != "channel")
            throw new SystemError("io", null, "the other end is closed", true);
        if (count > 0)
        {
            CloseEdge();
            LearnRate(count, napped);
        }
        return count;
    }

    /// <summary>poll() reports a channel without a host as readable at once
    /// and always; an edge-triggered epoll reports it once.</summary>
    public override void AwaitHost()
    {
        if (_edge >= 0)
        {
            Libc.epoll_wait(_edge, new byte[32], 2, HostlessMs);
            return;
        }
        _edge = Libc.Check(Libc.epoll_create1(Libc.CloseOnExec));
        Libc.Watch(_edge, _fd, Libc.EpollIn | Libc.EpollEdge);
        Libc.Watch(_edge, _interrupt[0], Libc.EpollIn);
        // the first report may be of what is known, or of a host that came since: Read will tell
        Libc.epoll_wait(_edge, new byte[32], 2, 0);
    }

    void CloseEdge()
    {
        if (_edge >= 0) Libc.close(_edge);
        _edge = -1;
    }

    public override void Interrupt() { Libc.Transfer(false, _interrupt[1], new byte[1], 0, 1); }

    /// <summary>A UART wakes us for every few bytes. In the middle of a frame a
    /// short sleep, and no wait for the first of them, lets them collect; no
    /// answer can be due before it is whole. True if it slept.</summary>
    bool Nap(int wanted)
    {
        double nap = Math.Min(0.02, wanted * _byteS * 0.75);
        if (Kind != "uart" || nap < 0.002) return false;
        Thread.Sleep((int)(nap * 1000));
        return true;
    }

    void LearnRate(int count, bool napped)
    {
        double now = Clock.Now;
        if (napped && count > 64)
            _byteS += (Math.Min(Math.Max((now - _heard) / count, 1e-6), 1e-4) - _byteS) / 8;
        _heard = now;
    }

    public override int Write(byte[] data, int offset, int count)
    {
        int done = Libc.Transfer(false, _fd, data, offset, count);
        if (done >= 0) return done;
        Libc.Poll(_fd, Libc.PollOut, 500);
        return 0;
    }

    public override bool InputWaits() { return Libc.Poll(_fd, Libc.PollIn, 0); }

    public override void Drain(double limit) { Thread.Sleep(20); }

    public override void Close()
    {
        if (_triggerFile != null)
        {
            try { File.WriteAllText(_triggerFile, _trigger); }
            catch (SystemException) { }     // the device is gone
        }
        if (_terminal) Libc.tcsetattr(_fd, 0, _saved);
        Libc.close(_fd);
        CloseEdge();
        foreach (int end in _interrupt) Libc.close(end);
    }
}

class PosixPlatform : Platform
{
    class Nothing : IDisposable { public void Dispose() { } }

    public static readonly int Umask = ReadUmask();

    static int ReadUmask()
    {
        int mask = Libc.umask(0);
        Libc.umask(mask);
        return mask;
    }

    public override string System { get { return Directory.Exists("/proc/self") ? "linux" : "posix"; } }
    public override char Separator { get { return '/'; } }
    public override string Capabilities { get { return "symlink,mode,mtime"; } }
    public override string Home { get { return Environment.GetEnvironmentVariable("HOME") ?? "/"; } }

    public override Place Parse(string path, string root)
    {
        if (path.StartsWith("~/", StringComparison.Ordinal)) path = Home + path.Substring(1);
        if (path[0] != '/') path = root + "/" + path;
        Place place = new Place();
        int slash = path.LastIndexOf('/');
        string name = path.Substring(slash + 1);
        bool whole = name == "" || name == "." || name == "..";
        place.Directory = whole ? path : slash == 0 ? "/" : path.Substring(0, slash);
        place.Name = whole ? "" : name;
        return place;
    }

    public override bool IsAbsolute(string path) { return path[0] == '/'; }

    /// <summary>Between this and the use of the path it may come to lead
    /// elsewhere; receiver.py, which is for these systems, holds descriptors.</summary>
    public override IDisposable Hold(string directory, out string real)
    {
        real = Libc.RealPath(directory);
        if (real == null) throw Libc.Error();
        if (Look(real).Kind != "directory")
            throw new SystemError("not-a-directory", "ENOTDIR", "Not a directory", false);
        return new Nothing();
    }

    public override string Parent(string directory)
    {
        int slash = directory.TrimEnd('/').LastIndexOf('/');
        return directory == "/" ? null : slash <= 0 ? "/" : directory.Substring(0, slash);
    }

    public override StringComparer NameComparer { get { return StringComparer.Ordinal; } }

    public override void CheckName(string name) { }

    public override Facts Look(string path)
    {
        byte[] stat = new byte[256];
        if (Libc.lstat(Libc.Path(path), stat) == 0) return Libc.ReadStat(stat);
        if (Marshal.GetLastWin32Error() == Libc.Enoent) return null;
        throw Libc.Error();
    }

    public override OpenFile Create(string path)
    {
        int flags = Libc.ReadWrite | Libc.Create | Libc.Exclusive | Libc.NoFollow | Libc.CloseOnExec;
        int fd = Libc.Check(Libc.open(Libc.Path(path), flags, Libc.OwnerReadWrite));
        // a file system without locks has no sweeps either
        bool taken = Libc.flock(fd, Libc.LockExclusive | Libc.LockNow) < 0 && Marshal.GetLastWin32Error() == Libc.Eagain;
        if (!taken && IsAt(path, fd)) return new PosixFile(fd);
        Libc.close(fd);
        throw new SystemError("exists", "EEXIST", "a sweep took it for an orphan before it was locked", false);
    }

    /// <summary>False if it was removed or replaced between its opening and its lock.</summary>
    static bool IsAt(string path, int fd)
    {
        byte[] opened = new byte[256], there = new byte[256];
        if (Libc.fstat(fd, opened) < 0 || Libc.lstat(Libc.Path(path), there) < 0) return false;
        return Libc.FileNumber(opened) == Libc.FileNumber(there);
    }

    public override OpenFile Open(string path, bool exclusively)
    {
        int flags = (exclusively ? Libc.ReadWrite : Libc.ReadOnly) | Libc.NoFollow | Libc.NonBlocking | Libc.NoControl
            | Libc.CloseOnExec;
        int fd = Libc.Check(Libc.open(Libc.Path(path), flags, 0));
        if (!exclusively || Libc.flock(fd, Libc.LockExclusive | Libc.LockNow) == 0 && IsAt(path, fd)) return new PosixFile(fd);
        Libc.close(fd);
        throw new SystemError("sharing", "EAGAIN", "the file is in use", false);
    }

    public override OpenFile OpenDevice(string path)
    {
        int flags = Libc.WriteOnly | Libc.NoFollow | Libc.NonBlocking | Libc.NoControl | Libc.CloseOnExec;
        return new PosixFile(Libc.Check(Libc.open(Libc.Path(path), flags, 0)));
    }

    public override void Replace(string from, string to)
    {
        Libc.Check(Libc.rename(Libc.Path(from), Libc.Path(to)));
    }

    public override bool MoveNew(string from, string to)
    {
        if (Libc.link(Libc.Path(from), Libc.Path(to)) < 0)
        {
            if (Marshal.GetLastWin32Error() == Libc.Eexist) return false;
            throw Libc.Error();
        }
        Delete(from);
        return true;
    }

    public override void CheckReplaceable(string path) { }

    public override void Delete(string path) { Libc.Check(Libc.unlink(Libc.Path(path))); }

    public override bool DeleteUnused(string path)
    {
        Facts found = Look(path);
        if (found == null || found.Kind != "file") return false;
        OpenFile file;
        try { file = Open(path, true); }
        catch (SystemError) { return false; }
        Delete(path);
        file.Close();
        return true;
    }

    public override bool MakeDirectory(string path)
    {
        if (Libc.mkdir(Libc.Path(path), Libc.AllBits) == 0) return true;
        if (Marshal.GetLastWin32Error() == Libc.Eexist) return false;
        throw Libc.Error();
    }

    public override void SetAttributes(string path, int mode, bool hasMtime, long mtime)
    {
        Facts found = Look(path);
        bool directory = found != null && found.Kind == "directory";
        int kept = directory ? mode & (Libc.AllBits | Libc.Sticky) | found.Mode & Libc.SetGroupId : mode & Libc.AllBits;
        if (mode >= 0) Libc.Check(Libc.chmod(Libc.Path(path), kept));
        if (hasMtime) Libc.Check(Libc.utimensat(Libc.CurrentDirectory, Libc.Path(path), Libc.Times(mtime), Libc.LinkItself));
    }

    public override string ReadLink(string path)
    {
        byte[] made = new byte[8192];
        long length = (long)Libc.readlink(Libc.Path(path), made, new IntPtr(made.Length));
        if (length < 0) throw Libc.Error();
        return Encoding.UTF8.GetString(made, 0, (int)length);
    }

    public override void MakeLink(string target, string path)
    {
        Libc.Check(Libc.symlink(Libc.Path(target), Libc.Path(path)));
    }

    public override List<string> Temporaries(string directory)
    {
        List<string> found = new List<string>();
        try
        {
            foreach (string path in Directory.GetFileSystemEntries(directory, ".guestwire-*"))
                found.Add(Path.GetFileName(path));
        }
        catch (Exception error) { Log.Debug("looking for orphans: " + error.Message); }
        return found;
    }

    /// <summary>struct statvfs: fragment size at 8, blocks 16, free 24, free for others 32.</summary>
    public override long FreeBytes(string directory)
    {
        byte[] facts = new byte[256];
        if (Libc.statvfs(Libc.Path(directory), facts) < 0 || BitConverter.ToInt64(facts, 16) == 0) return -1;
        return BitConverter.ToInt64(facts, 8) * BitConverter.ToInt64(facts, Libc.geteuid() == 0 ? 24 : 32);
    }

    public override void FlushDirectory(string directory)
    {
        int fd = Libc.open(Libc.Path(directory), Libc.Directory | Libc.CloseOnExec, 0);
        if (fd < 0) return;
        Libc.fsync(fd);
        Libc.close(fd);
    }

    public override string PortName(string name) { return name; }

    public override string DeviceKind(string port)
    {
        string real = Libc.RealPath(port) ?? port, name = Path.GetFileName(real);
        if (name.StartsWith("vport", StringComparison.Ordinal)) return "channel";
        if (name.StartsWith("hvc", StringComparison.Ordinal)) return "console";
        if (real.StartsWith("/dev/pts/", StringComparison.Ordinal)) return "pty";
        bool isTty = name.StartsWith("tty", StringComparison.Ordinal) && name.Length > 4;
        return isTty && char.IsDigit(name[name.Length - 1]) ? "uart" : "other";
    }

    public override Device OpenPort(string port, int speed) { return new PosixDevice(port, DeviceKind(port)); }

    public override List<string> FindPorts()
    {
        List<string> found = new List<string>();
        string channel = "/dev/virtio-ports/org.guestwire.0";
        if (File.Exists(channel)) found.Add(channel);
        return found;                       // receiver.py looks for more
    }

    public override void OnStop(Job stop)
    {
        Console.CancelKeyPress += delegate(object sender, ConsoleCancelEventArgs key)
        {
            key.Cancel = true;
            stop();
        };
        // SIGTERM, until .NET 10: .NET calls this and exits when it returns
        AppDomain.CurrentDomain.ProcessExit += delegate { stop(); Engine.AwaitEnd(4000); };
    }
}

// ---------------------------------------------------------------------------
// 9b. Windows
// ---------------------------------------------------------------------------

static class Win32
{
    public const uint GenericRead = 0x80000000, GenericWrite = 0x40000000, DeleteAccess = 0x10000;
    public const uint ListDirectory = 1, ReadAttributes = 0x80, WriteAttributes = 0x100;
    public const uint ShareRead = 1, ShareWrite = 2, ShareDelete = 4, ShareAll = 7;
    public const uint CreateNew = 1, OpenExisting = 3;
    public const uint Normal = 0x80, Backup = 0x02000000, OpenReparsePoint = 0x00200000,
        DeleteOnClose = 0x04000000, Overlapped = 0x40000000;
    public const uint IsReadOnly = 1, IsDirectory = 0x10, IsReparsePoint = 0x400;
    public const uint TagLink = 0xa000000c, TagMountPoint = 0xa0000003;
    public const int SharingViolation = 32, FileExists = 80, AlreadyExists = 183, NotADirectory = 267, Pending = 997,
        NotAReparsePoint = 4390;
    public const uint MoveReplace = 1, MoveWriteThrough = 8;
    public const uint LinkToDirectory = 1, LinkUnprivileged = 2;    // of CreateSymbolicLink
    public const uint GetReparsePoint = 0x900a8;            // of DeviceIoControl
    public const uint LineBinary = 1, LineDtrOn = 1 << 4, LineRtsOn = 1 << 12;      // of LineSettings.Flags
    public const int CloseEvent = 2;        // of a ControlHandler; below it are Ctrl-C and Ctrl-Break
    public const int FromStart = 0;         // of SetFilePointerEx

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    public struct FileInformation
    {
        public uint Attributes;
        public long Created, Accessed, Written;
        public uint Volume, SizeHigh, SizeLow, Links, IndexHigh, IndexLow;
    }

    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode, Pack = 4)]
    public struct FindData
    {
        public uint Attributes;
        public long Created, Accessed, Written;
        public uint SizeHigh, SizeLow, Tag, Reserved;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 260)] public string Name;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 14)] public string ShortName;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineSettings              // DCB
    {
        public uint Size, BaudRate, Flags;
        public ushort Reserved, XonLimit, XoffLimit;
        public byte ByteSize, Parity, StopBits, Xon, Xoff, Error, Eof, Event;
        public ushort Reserved1;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineTimes                 // COMMTIMEOUTS
    {
        public uint ReadInterval, ReadMultiplier, ReadConstant, WriteMultiplier, WriteConstant;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineState { public uint Flags, InputBytes, OutputBytes; }     // COMSTAT

    public delegate bool ControlHandler(int what);

    const string Kernel = "kernel32.dll";

    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern SafeFileHandle CreateFileW(string name, uint access, uint share, IntPtr security, uint how,
                                                    uint flags, IntPtr template);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool ReadFile(SafeFileHandle file, IntPtr data, int count, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool WriteFile(SafeFileHandle file, IntPtr data, int count, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool GetOverlappedResult(SafeFileHandle file, IntPtr overlapped, out int done, bool wait);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool SetFilePointerEx(SafeFileHandle file, long distance, IntPtr made, int method);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetEndOfFile(SafeFileHandle file);
    [DllImport(Kernel, SetLastError = true)] public static extern bool FlushFileBuffers(SafeFileHandle file);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool SetFileTime(SafeFileHandle file, IntPtr created, IntPtr accessed, ref long written);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool GetFileInformationByHandle(SafeFileHandle file, out FileInformation made);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern uint GetFinalPathNameByHandleW(SafeFileHandle file, StringBuilder made, uint size, uint flags);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern SafeFindHandle FindFirstFileW(string name, out FindData made);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool FindNextFileW(SafeFindHandle find, out FindData made);
    [DllImport(Kernel)] public static extern bool FindClose(IntPtr find);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool MoveFileExW(string from, string to, uint flags);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)] public static extern bool DeleteFileW(string name);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool CreateDirectoryW(string name, IntPtr security);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern byte CreateSymbolicLinkW(string name, string target, uint flags);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool DeviceIoControl(SafeFileHandle file, uint code, IntPtr given, int givenSize, byte[] made,
                                              int size, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool GetDiskFreeSpaceExW(string directory, out long free, out long total, out long all);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern uint QueryDosDeviceW(string name, char[] made, uint size);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetupComm(SafeFileHandle port, uint input, uint output);
    [DllImport(Kernel, SetLastError = true)] public static extern bool GetCommState(SafeFileHandle port, ref LineSettings made);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetCommState(SafeFileHandle port, ref LineSettings settings);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetCommTimeouts(SafeFileHandle port, ref LineTimes times);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool ClearCommError(SafeFileHandle port, out uint errors, out LineState state);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetConsoleCtrlHandler(ControlHandler handler, bool add);

    /// <summary>No such file or path, an invalid handle, a device that knows no such command, doesn't work, is
    /// gone, isn't there, isn't connected, was removed.</summary>
    static readonly int[] GoneNumbers = { 2, 3, 6, 22, 31, 55, 433, 1167, 1617 };

    public static SystemError Error() { return Error(Marshal.GetLastWin32Error()); }

    public static SystemError Error(int number)
    {
        string message = new Win32Exception(number).Message;
        bool gone = Array.IndexOf(GoneNumbers, number) >= 0;
        switch (number)
        {
            case 2: return new SystemError("no-directory", "ERROR_FILE_NOT_FOUND", message, gone);
            case 3: return new SystemError("no-directory", "ERROR_PATH_NOT_FOUND", message, gone);
            case 5: return new SystemError("permission", "ERROR_ACCESS_DENIED", message, gone);
            case 15: return new SystemError("no-directory", "ERROR_INVALID_DRIVE", message, gone);
            case 19: return new SystemError("read-only-filesystem", "ERROR_WRITE_PROTECT", message, gone);
            case 32: return new SystemError("sharing", "ERROR_SHARING_VIOLATION", message, gone);
            case 33: return new SystemError("sharing", "ERROR_LOCK_VIOLATION", message, gone);
            case 39: return new SystemError("no-space", "ERROR_HANDLE_DISK_FULL", message, gone);
            case 53: return new SystemError("no-directory", "ERROR_BAD_NETPATH", message, gone);
            case 67: return new SystemError("no-directory", "ERROR_BAD_NET_NAME", message, gone);
            case 80: return new SystemError("exists", "ERROR_FILE_EXISTS", message, gone);
            case 112: return new SystemError("no-space", "ERROR_DISK_FULL", message, gone);
            case 123: return new SystemError("bad-name", "ERROR_INVALID_NAME", message, gone);
            case 161: return new SystemError("bad-name", "ERROR_BAD_PATHNAME", message, gone);
            case 183: return new SystemError("exists", "ERROR_ALREADY_EXISTS", message, gone);
            case 206: return new SystemError("name-too-long", "ERROR_FILENAME_EXCED_RANGE", message, gone);
            case 223: return new SystemError("too-large", "ERROR_FILE_TOO_LARGE", message, gone);
            case 267: return new SystemError("not-a-directory", "ERROR_DIRECTORY", message, gone);
            case 303: return new SystemError("sharing", "ERROR_DELETE_PENDING", message, gone);
            case 1295: return new SystemError("quota", "ERROR_DISK_QUOTA_EXCEEDED", message, gone);
            case 1314: return new SystemError("permission", "ERROR_PRIVILEGE_NOT_HELD", message, gone);
            default: return new SystemError("io", "WIN32_" + number, message, gone);
        }
    }

    public static void Check(bool fine)
    {
        if (!fine) throw Error();
    }

    public static SafeFileHandle Open(string name, uint access, uint share, uint how, uint flags)
    {
        SafeFileHandle handle = CreateFileW(name, access, share, IntPtr.Zero, how, flags, IntPtr.Zero);
        if (!handle.IsInvalid) return handle;
        SystemError error = Error();
        handle.Close();
        throw error;
    }

    const long Epoch = 116444736000000000;  // 1970 in the 100 ns since 1601 that Windows counts

    public static long ToUnix(long time)
    {
        return (time - Epoch) * 100;
    }

    public static long FromUnix(long nanoseconds)
    {
        long ticks = nanoseconds / 100 - (nanoseconds % 100 < 0 ? 1 : 0);
        long time = Epoch + ticks;
        if (time <= 0) throw new Refused("bad-request", "mtime is out of range");
        return time;
    }
}

class SafeFindHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SafeFindHandle() : base(true) { }
    protected override bool ReleaseHandle() { return Win32.FindClose(handle); }
}

class WindowsFile : OpenFile
{
    readonly SafeFileHandle _handle;

    public WindowsFile(SafeFileHandle handle) { _handle = handle; }

    int Transfer(bool reading, byte[] data, int offset, int count)
    {
        GCHandle pinned = GCHandle.Alloc(data, GCHandleType.Pinned);
        try
        {
            IntPtr at = new IntPtr(pinned.AddrOfPinnedObject().ToInt64() + offset);
            int done;
            Win32.Check(reading ? Win32.ReadFile(_handle, at, count, out done, IntPtr.Zero)
                                : Win32.WriteFile(_handle, at, count, out done, IntPtr.Zero));
            return done;
        }
        finally { pinned.Free(); }
    }

    public override int Read(byte[] data, int offset, int count) { return Transfer(true, data, offset, count); }

    public override void Write(byte[] data, int offset, int count)
    {
        while (count > 0)
        {
            int done = Transfer(false, data, offset, count);
            offset += done;
            count -= done;
        }
    }

    public override void Seek(long position)
    {
        Win32.Check(Win32.SetFilePointerEx(_handle, position, IntPtr.Zero, Win32.FromStart));
    }

    public override void Truncate()
    {
        Seek(0);
        Win32.Check(Win32.SetEndOfFile(_handle));
    }

    public override void Flush() { Win32.Check(Win32.FlushFileBuffers(_handle)); }

    public override void SetAttributes(int mode, bool hasMtime, long mtime)
    {
        if (!hasMtime) return;
        long time = Win32.FromUnix(mtime);
        Win32.Check(Win32.SetFileTime(_handle, IntPtr.Zero, IntPtr.Zero, ref time));
    }

    public override Facts Look()
    {
        Win32.FileInformation found;
        Win32.Check(Win32.GetFileInformationByHandle(_handle, out found));
        Facts facts = new Facts();
        bool link = (found.Attributes & Win32.IsReparsePoint) != 0;
        facts.Kind = (found.Attributes & Win32.IsDirectory) != 0 ? "directory" : link ? "special" : "file";
        facts.Size = (long)found.SizeHigh << 32 | found.SizeLow;
        facts.Mtime = Win32.ToUnix(found.Written);
        facts.OnlyLink = found.Links == 1;
        return facts;
    }

    public override void Close() { _handle.Close(); }
}

/// <summary>One overlapped read or write at a time, through a buffer that does
/// not move. It may outlast a call: the next one goes on waiting for it.</summary>
class OverlappedTransfer
{
    readonly SafeFileHandle _handle;
    readonly bool _reading;
    readonly byte[] _buffer;
    readonly GCHandle _pinned;
    readonly ManualResetEvent _event = new ManualResetEvent(false);
    readonly IntPtr _overlapped = Marshal.AllocHGlobal(Marshal.SizeOf(typeof(NativeOverlapped)));
    bool _pending;

    public OverlappedTransfer(SafeFileHandle handle, bool reading, int size)
    {
        _handle = handle;
        _reading = reading;
        _buffer = new byte[size];
        _pinned = GCHandle.Alloc(_buffer, GCHandleType.Pinned);
    }

    /// <summary>Bytes transferred, -1 if it takes longer than half a second.</summary>
    public int Run(byte[] data, int offset, int count)
    {
        if (!_pending)
        {
            count = Math.Min(count, _buffer.Length);
            if (!_reading) Buffer.BlockCopy(data, offset, _buffer, 0, count);
            Start(count);
        }
        if (!_event.WaitOne(500, false)) return -1;
        _pending = false;
        int done;
        Win32.Check(Win32.GetOverlappedResult(_handle, _overlapped, out done, true));
        if (_reading) Buffer.BlockCopy(_buffer, 0, data, offset, done);
        return done;
    }

    void Start(int count)
    {
        NativeOverlapped empty = new NativeOverlapped();
        empty.EventHandle = _event.SafeWaitHandle.DangerousGetHandle();
        Marshal.StructureToPtr(empty, _overlapped, false);
        _event.Reset();
        IntPtr at = _pinned.AddrOfPinnedObject();
        int done;
        bool fine = _reading ? Win32.ReadFile(_handle, at, count, out done, _overlapped)
                             : Win32.WriteFile(_handle, at, count, out done, _overlapped);
        if (!fine && Marshal.GetLastWin32Error() != Win32.Pending) throw Win32.Error();
        _pending = true;                    // done at once sets the event too
    }
}

/// <summary>COM ports and virtio channels by overlapped I/O. Not
/// System.IO.Ports: its assembly is another in each PowerShell, it has a thread
/// of its own that dies with an unplugged port, and it cannot be told how many
/// bytes a frame still lacks, which is what keeps an emulated UART fast.</summary>
class WindowsDevice : Device
{
    const int GapMs = 10;                   // a pause that ends a read which got less than it asked for
    readonly SafeFileHandle _handle;
    readonly OverlappedTransfer _read, _write;

    public WindowsDevice(string path, string kind, int speed)
    {
        Kind = kind;
        try
        {
            _handle = Win32.Open(path, Win32.GenericRead | Win32.GenericWrite, 0, Win32.OpenExisting, Win32.Overlapped);
        }
        catch (SystemError error)
        {
            if (error.Code != "permission" && error.Code != "sharing") throw;
            throw new SystemError("sharing", error.Name, "another program has it open, or you may not use it", false);
        }
        // a write of more than 1 MiB is more than vioserial takes
        _read = new OverlappedTransfer(_handle, true, kind == "channel" ? 65536 : 32768);
        _write = new OverlappedTransfer(_handle, false, kind == "channel" ? 65536 : 8192);
        try
        {
            if (kind == "uart") SetUp(speed);
        }
        catch (SystemError)
        {
            _handle.Close();
            throw;
        }
    }

    void SetUp(int speed)
    {
        Win32.SetupComm(_handle, 65536, 65536);     // a wish: two windows
        Win32.LineSettings line = new Win32.LineSettings();
        line.Size = (uint)Marshal.SizeOf(typeof(Win32.LineSettings));
        Win32.Check(Win32.GetCommState(_handle, ref line));
        line.BaudRate = (uint)speed;
        line.ByteSize = 8;
        line.Parity = 0;
        line.StopBits = 0;
        // no flow control of any kind: the window of the protocol does that
        line.Flags = Win32.LineBinary | Win32.LineDtrOn | Win32.LineRtsOn;
        Win32.Check(Win32.SetCommState(_handle, ref line));
        Win32.LineTimes times = new Win32.LineTimes();
        times.ReadInterval = GapMs;         // waits for the first byte as long as it takes
        Win32.Check(Win32.SetCommTimeouts(_handle, ref times));
    }

    /// <summary>On a COM port a read ends when it has all it asked for, or at a
    /// gap. It therefore asks for what the frame begun lacks, else for a header:
    /// the driver collects the bytes and wakes us once, without delay.</summary>
    public override int Read(byte[] data, int offset, int room, int wanted)
    {
        int count = Kind == "uart" ? Math.Min(room, wanted > 0 ? wanted : Wire.HeaderBytes) : room;
        try
        {
            int done = _read.Run(data, offset, count);
            if (done != 0 || Kind == "channel") return done;
            Thread.Sleep(10);               // a line has no host to miss: a gap before the first byte
            return -1;
        }
        catch (SystemError error)
        {
            if (Kind != "channel" || error.Gone) throw;
            Log.Debug("channel: " + error.Message);
            return 0;                       // vioserial refuses while no host is connected
        }
    }

    public override int Write(byte[] data, int offset, int count)
    {
        try
        {
            return Math.Max(0, _write.Run(data, offset, count));
        }
        catch (SystemError error)
        {
            if (Kind != "channel" || error.Gone) throw;
            return count;                   // lost, as on a cut line
        }
    }

    public override bool InputWaits()
    {
        uint errors;
        Win32.LineState state;
        return Kind == "uart" && Win32.ClearCommError(_handle, out errors, out state) && state.InputBytes > 0;
    }

    /// <summary>Lets the bytes leave before the port is closed.</summary>
    public override void Drain(double limit)
    {
        uint errors;
        Win32.LineState state;
        while (Kind == "uart" && Clock.Now < limit && Win32.ClearCommError(_handle, out errors, out state)
               && state.OutputBytes > 0) Thread.Sleep(10);
    }

    /// <summary>The buffers stay: a read that is being cancelled may still write to its own.</summary>
    public override void Close() { _handle.Close(); }
}

class WindowsPlatform : Platform
{
    class Held : IDisposable
    {
        readonly SafeFileHandle _handle;
        public Held(SafeFileHandle handle) { _handle = handle; }
        public void Dispose() { _handle.Close(); }
    }

    const int NameMax = 255, PathMax = 32000;
    static readonly char[] Forbidden = { '<', '>', ':', '"', '|', '?', '*' };
    readonly List<Win32.ControlHandler> _handlers = new List<Win32.ControlHandler>();     // kept from the collector

    public override string System { get { return "windows"; } }
    public override char Separator { get { return '\\'; } }
    public override string Home { get { return Environment.GetEnvironmentVariable("USERPROFILE") ?? "C:\\"; } }

    /// <summary>Symbolic links take a privilege or developer mode: a trial tells.</summary>
    public override string Capabilities { get { return MayLink() ? "symlink,mtime" : "mtime"; } }

    static bool MayLink()
    {
        string path = Path.Combine(Path.GetTempPath(), "guestwire-" + Guid.NewGuid().ToString("N"));
        return Win32.CreateSymbolicLinkW(path, "target", Win32.LinkUnprivileged) != 0 && Win32.DeleteFileW(path);
    }

    // -- paths ---------------------------------------------------------------

    /// <summary>Into a drive or share and clean names. Windows would drop the
    /// dots and spaces at the end of a name, take NUL.txt for the null device
    /// and open a stream behind a colon: all that is refused instead.</summary>
    public override Place Parse(string path, string root)
    {
        path = Expand(path).Replace('/', '\\');
        if (path.StartsWith("\\\\?\\UNC\\", StringComparison.OrdinalIgnoreCase)) path = "\\\\" + path.Substring(8);
        else if (path.StartsWith("\\\\?\\", StringComparison.Ordinal)) path = path.Substring(4);
        string last = path.Substring(path.LastIndexOf('\\') + 1);
        bool isDevice = path.StartsWith("\\\\.\\", StringComparison.Ordinal);
        if (IsNul(isDevice && path.Length == 7 ? path.Substring(4) : last)) return Nul();
        if (isDevice) throw Bad("devices other than NUL are no destination");
        string top, rest;
        Split(path, root, out top, out rest);
        List<string> names = new List<string>();
        foreach (string name in rest.Split('\\'))
        {
            if (name.Length == 0 || name == ".") continue;
            if (name == "..") { if (names.Count > 0) names.RemoveAt(names.Count - 1); continue; }
            CheckName(name);
            names.Add(name);
        }
        Place place = new Place();
        bool whole = names.Count == 0 || last.Length == 0 || last == "." || last == "..";
        place.Name = whole ? "" : names[names.Count - 1];
        if (!whole) names.RemoveAt(names.Count - 1);
        place.Directory = top + string.Join("\\", names.ToArray());
        if (place.Directory.Length + place.Name.Length > PathMax)
            throw new Refused("name-too-long", "the path is too long", null, "ERROR_FILENAME_EXCED_RANGE", null);
        return place;
    }

    static Refused Bad(string message) { return new Refused("bad-name", message, null, "ERROR_INVALID_NAME", null); }

    /// <summary>A variable at the beginning, such as %TEMP%, or "~/". Elsewhere
    /// a percent sign is part of a name.</summary>
    string Expand(string path)
    {
        if (path.Length > 1 && path[0] == '~' && (path[1] == '/' || path[1] == '\\')) return Home + path.Substring(1);
        int end = path[0] == '%' ? path.IndexOf('%', 1) : -1;
        if (end < 2 || end + 1 < path.Length && path[end + 1] != '/' && path[end + 1] != '\\') return path;
        string value = Environment.GetEnvironmentVariable(path.Substring(1, end - 1));
        return string.IsNullOrEmpty(value) ? path : value + path.Substring(end + 1);
    }

    /// <summary>"C:\", "\\server\share\" and what follows.</summary>
    static void Split(string path, string root, out string top, out string rest)
    {
        if (path.StartsWith("\\\\", StringComparison.Ordinal))
        {
            int share = path.IndexOf('\\', 2);
            int end = share < 0 ? -1 : path.IndexOf('\\', share + 1);
            string name = share < 0 ? "" : path.Substring(share + 1, (end < 0 ? path.Length : end) - share - 1);
            if (share < 3 || name.Length == 0 || name == "." || name == "..") throw Bad("no share is named");
            top = (end < 0 ? path : path.Substring(0, end)) + "\\";
            rest = end < 0 ? "" : path.Substring(end + 1);
            if (top.IndexOfAny(Forbidden) >= 0) throw Bad("a name has a character that Windows forbids");
        }
        else if (path.Length >= 2 && path[1] == ':')
        {
            char drive = char.ToUpperInvariant(path[0]);
            if (drive < 'A' || drive > 'Z') throw Bad("no such drive");
            if (path.Length == 2 || path[2] != '\\') throw Bad("a path on a drive begins with its backslash");
            top = drive + ":\\";
            rest = path.Substring(3);
        }
        else
        {
            string ignored;
            Split(root.EndsWith("\\", StringComparison.Ordinal) ? root : root + "\\", null, out top, out ignored);
            rest = path[0] == '\\' ? path.Substring(1) : ignored + path;
        }
    }

    public override void CheckName(string name)
    {
        foreach (char c in name) if (c < ' ') throw Bad("a name has a control character");
        if (name.IndexOfAny(Forbidden) >= 0) throw Bad("a name has a character that Windows forbids");
        char end = name[name.Length - 1];
        if (end == '.' || end == ' ') throw Bad("Windows takes no name that ends in a dot or a space");
        if (IsReserved(name)) throw Bad("Windows reserves this name for a device");
        if (name.Length > NameMax)
            throw new Refused("name-too-long", "the name is too long", null, "ERROR_FILENAME_EXCED_RANGE", null);
    }

    static bool IsNul(string name) { return string.Equals(name, "NUL", StringComparison.OrdinalIgnoreCase); }

    /// <summary>CON, COM1 and the others, also with an extension.</summary>
    static bool IsReserved(string name)
    {
        int dot = name.IndexOf('.');
        string stem = (dot < 0 ? name : name.Substring(0, dot)).TrimEnd(' ').ToUpperInvariant();
        if (stem == "CON" || stem == "PRN" || stem == "AUX" || stem == "NUL" || stem == "CONIN$" || stem == "CONOUT$")
            return true;
        bool isPort = stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal);
        return isPort && stem.Length == 4 && (char.IsDigit(stem[3]) || "\u00b9\u00b2\u00b3".IndexOf(stem[3]) >= 0);
    }

    static Place Nul()
    {
        Place place = new Place();
        place.Directory = "";
        place.Name = "NUL";
        place.IsNul = true;
        return place;
    }

    public override bool IsAbsolute(string path)
    {
        return path[0] == '\\' || path[0] == '/' || path.Length > 1 && path[1] == ':';
    }

    /// <summary>The form that is not limited to 260 characters.</summary>
    static string Long(string path)
    {
        if (path == "NUL") return "\\\\.\\NUL";
        return path.StartsWith("\\\\", StringComparison.Ordinal) ? "\\\\?\\UNC\\" + path.Substring(2) : "\\\\?\\" + path;
    }

    static string Short(string path)
    {
        if (path.StartsWith("\\\\?\\UNC\\", StringComparison.Ordinal)) return "\\\\" + path.Substring(8);
        return path.StartsWith("\\\\?\\", StringComparison.Ordinal) ? path.Substring(4) : path;
    }

    /// <summary>While the handle is open, neither the directory nor one above
    /// it can be renamed or replaced: what was checked stays true.</summary>
    public override IDisposable Hold(string directory, out string real)
    {
        SafeFileHandle handle = OpenDirectory(Long(directory));
        try
        {
            Win32.FileInformation found;
            Win32.Check(Win32.GetFileInformationByHandle(handle, out found));
            if ((found.Attributes & Win32.IsDirectory) == 0) throw Win32.Error(Win32.NotADirectory);
            StringBuilder made = new StringBuilder(PathMax + 1000);
            uint length = Win32.GetFinalPathNameByHandleW(handle, made, (uint)made.Capacity, 0);
            real = length > 0 && length < made.Capacity ? Short(made.ToString()) : null;
            return new Held(handle);
        }
        catch (SystemError)
        {
            handle.Close();
            throw;
        }
    }

    static SafeFileHandle OpenDirectory(string path)
    {
        uint share = Win32.ShareRead | Win32.ShareWrite;
        try
        {
            return Win32.Open(path, Win32.ListDirectory | Win32.ReadAttributes, share, Win32.OpenExisting, Win32.Backup);
        }
        catch (SystemError error)
        {
            if (error.Code != "sharing" && error.Code != "permission") throw MissingPart(path, error);
            // may be used but not listed, or somebody is about to delete it
            return Win32.Open(path, Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting, Win32.Backup);
        }
    }

    /// <summary>Windows says "path not found" also where a file stands in the place of a directory.</summary>
    static SystemError MissingPart(string path, SystemError error)
    {
        string part = path;
        while (error.Code == "no-directory" && part.Length > 7)
        {
            int slash = part.LastIndexOf('\\');
            if (slash < 6) break;
            part = part.Substring(0, slash);
            Win32.FindData found;
            using (SafeFindHandle find = Win32.FindFirstFileW(part, out found))
            {
                if (find.IsInvalid) continue;
            }
            return (found.Attributes & Win32.IsDirectory) == 0 ? Win32.Error(Win32.NotADirectory) : error;
        }
        return error;
    }

    public override string Parent(string directory)
    {
        string trimmed = directory.TrimEnd('\\');
        int slash = trimmed.LastIndexOf('\\');
        return slash < 2 || directory.StartsWith("\\\\", StringComparison.Ordinal) && trimmed.IndexOf('\\', 2) == slash
            ? null : slash == 2 ? directory.Substring(0, 3) : trimmed.Substring(0, slash);
    }

    public override StringComparer NameComparer { get { return StringComparer.OrdinalIgnoreCase; } }

    // -- files ---------------------------------------------------------------

    public override Facts Look(string path)
    {
        Facts facts = new Facts();
        if (path == "NUL") { facts.Kind = "device"; return facts; }
        Win32.FileInformation found;
        try
        {
            using (SafeFileHandle handle = Win32.Open(Long(path), Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                      Win32.Backup | Win32.OpenReparsePoint))
            {
                Win32.Check(Win32.GetFileInformationByHandle(handle, out found));
            }
        }
        catch (SystemError error)
        {
            if (error.Code == "no-directory") return null;
            throw;
        }
        facts.Kind = (found.Attributes & Win32.IsDirectory) != 0 ? "directory" : "file";
        if ((found.Attributes & Win32.IsReparsePoint) != 0 && IsLink(path)) facts.Kind = "symlink";
        facts.Size = (long)found.SizeHigh << 32 | found.SizeLow;
        facts.Mtime = Win32.ToUnix(found.Written);
        facts.OnlyLink = found.Links == 1;
        return facts;
    }

    /// <summary>Reparse points of other kinds are files in the cloud, deduplicated ones and the like.</summary>
    static bool IsLink(string path)
    {
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(path), out found))
            return !find.IsInvalid && (found.Tag == Win32.TagLink || found.Tag == Win32.TagMountPoint);
    }

    public override OpenFile Create(string path)
    {
        return new WindowsFile(Win32.Open(Long(path), Win32.GenericRead | Win32.GenericWrite, Win32.ShareDelete,
                                          Win32.CreateNew, Win32.Normal));
    }

    public override OpenFile Open(string path, bool exclusively)
    {
        uint access = Win32.GenericRead | (exclusively ? Win32.GenericWrite : 0);
        // delete access is what it takes to rename it while it is open
        return new WindowsFile(Win32.Open(Long(path), access, exclusively ? Win32.ShareDelete : Win32.ShareAll,
                                          Win32.OpenExisting, Win32.Normal | Win32.OpenReparsePoint));
    }

    public override OpenFile OpenDevice(string path)
    {
        return new WindowsFile(Win32.Open(Long(path), Win32.GenericWrite, Win32.ShareAll, Win32.OpenExisting, 0));
    }

    /// <summary>MoveFileEx and not ReplaceFile: it is one operation of the file
    /// system, so that the old file or the new one stands there at any time,
    /// where ReplaceFile can stop half-way and leave the old one under another
    /// name.</summary>
    public override void Replace(string from, string to)
    {
        // a virus scanner or the indexer may have opened either for a moment
        for (int attempt = 1; !Win32.MoveFileExW(Long(from), Long(to), Win32.MoveReplace | Win32.MoveWriteThrough); attempt++)
        {
            SystemError error = Win32.Error();
            if (error.Code != "sharing" && error.Code != "permission") throw error;
            try
            {
                CheckReplaceable(to);
                // we may delete it, and yet not replace it: somebody has it open
                error = Win32.Error(Win32.SharingViolation);
            }
            catch (SystemError cause) { error = cause; }
            if (error.Code != "sharing" || attempt == 10) throw error;
            Thread.Sleep(200);
        }
    }

    public override bool MoveNew(string from, string to)
    {
        for (int attempt = 1; !Win32.MoveFileExW(Long(from), Long(to), Win32.MoveWriteThrough); attempt++)
        {
            int number = Marshal.GetLastWin32Error();
            if (number == Win32.AlreadyExists || number == Win32.FileExists) return false;
            if (number != Win32.SharingViolation || attempt == 10) throw Win32.Error(number);
            Thread.Sleep(200);
        }
        return true;
    }

    /// <summary>Says in time that a file is in use or read-only, before all of
    /// the new one was sent.</summary>
    public override void CheckReplaceable(string path)
    {
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(path), out found))
        {
            if (!find.IsInvalid && (found.Attributes & Win32.IsReadOnly) != 0)
                throw new SystemError("permission", "ERROR_ACCESS_DENIED", "the file is read-only", false);
        }
        Win32.Open(Long(path), Win32.DeleteAccess, Win32.ShareAll, Win32.OpenExisting, Win32.OpenReparsePoint).Close();
    }

    public override void Delete(string path) { Win32.Check(Win32.DeleteFileW(Long(path))); }

    /// <summary>Shared with nobody, it cannot be opened where a receiver has it open.</summary>
    public override bool DeleteUnused(string path)
    {
        try
        {
            Win32.Open(Long(path), Win32.DeleteAccess, 0, Win32.OpenExisting,
                       Win32.OpenReparsePoint | Win32.DeleteOnClose).Close();
            return true;
        }
        catch (SystemError) { return false; }
    }

    public override bool MakeDirectory(string path)
    {
        if (Win32.CreateDirectoryW(Long(path), IntPtr.Zero)) return true;
        if (Marshal.GetLastWin32Error() == Win32.AlreadyExists) return false;
        throw Win32.Error();
    }

    public override void SetAttributes(string path, int mode, bool hasMtime, long mtime)
    {
        if (!hasMtime) return;
        long time = Win32.FromUnix(mtime);
        using (SafeFileHandle handle = Win32.Open(Long(path), Win32.WriteAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                  Win32.Backup | Win32.OpenReparsePoint))
        {
            Win32.Check(Win32.SetFileTime(handle, IntPtr.Zero, IntPtr.Zero, ref time));
        }
    }

    /// <summary>REPARSE_DATA_BUFFER: the print name's offset and length are at
    /// 12 and 14, the names at 20 for a link, at 16 for a mount point.</summary>
    public override string ReadLink(string path)
    {
        byte[] made = new byte[16384];
        int size;
        using (SafeFileHandle handle = Win32.Open(Long(path), Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting,
                                                  Win32.Backup | Win32.OpenReparsePoint))
        {
            Win32.Check(Win32.DeviceIoControl(handle, Win32.GetReparsePoint, IntPtr.Zero, 0, made, made.Length,
                                              out size, IntPtr.Zero));
        }
        int names = BitConverter.ToUInt32(made, 0) == Win32.TagLink ? 20 : 16;
        int offset = names + BitConverter.ToUInt16(made, 12), length = BitConverter.ToUInt16(made, 14);
        if (length == 0)
        {
            offset = names + BitConverter.ToUInt16(made, 8);
            length = BitConverter.ToUInt16(made, 10);
        }
        if (offset + length > size) throw Win32.Error(Win32.NotAReparsePoint);
        string target = Encoding.Unicode.GetString(made, offset, length);
        return target.StartsWith("\\??\\", StringComparison.Ordinal) ? target.Substring(4) : target;
    }

    public override void MakeLink(string target, string path)
    {
        target = target.Replace('/', '\\');
        string whole = IsAbsolute(target) ? target : Join(path.Substring(0, path.LastIndexOf('\\') + 1), target);
        Facts found = null;
        try { found = Look(whole); }
        catch (SystemError) { }             // then it is a link to a file, as one to nothing is
        bool toDirectory = found != null && found.Kind == "directory";
        uint flags = Win32.LinkUnprivileged | (toDirectory ? Win32.LinkToDirectory : 0);
        if (Win32.CreateSymbolicLinkW(Long(path), target, flags) == 0) throw Win32.Error();
    }

    public override List<string> Temporaries(string directory)
    {
        List<string> names = new List<string>();
        Win32.FindData found;
        using (SafeFindHandle find = Win32.FindFirstFileW(Long(Join(directory, ".guestwire-*")), out found))
        {
            if (find.IsInvalid) return names;
            do
            {
                if ((found.Attributes & (Win32.IsDirectory | Win32.IsReparsePoint)) == 0) names.Add(found.Name);
            }
            while (Win32.FindNextFileW(find, out found));
        }
        return names;
    }

    public override long FreeBytes(string directory)
    {
        long free, total, all;
        return Win32.GetDiskFreeSpaceExW(Long(directory) + "\\", out free, out total, out all) ? free : -1;
    }

    public override void FlushDirectory(string directory) { }      // the rename was written through

    // -- ports ---------------------------------------------------------------

    const string ChannelPrefix = "\\\\.\\Global\\";

    public override string PortName(string name)
    {
        if (name.StartsWith("\\\\", StringComparison.Ordinal)) return name;
        return IsCom(name) ? "\\\\.\\" + name.ToUpperInvariant() : ChannelPrefix + name;
    }

    static bool IsCom(string name)
    {
        int number;
        return name.StartsWith("COM", StringComparison.OrdinalIgnoreCase) && int.TryParse(name.Substring(3), out number);
    }

    public override string DeviceKind(string port)
    {
        if (port.StartsWith("\\\\.\\", StringComparison.Ordinal) && IsCom(port.Substring(4))) return "uart";
        return port.StartsWith(ChannelPrefix, StringComparison.OrdinalIgnoreCase) ? "channel" : "other";
    }

    public override Device OpenPort(string port, int speed) { return new WindowsDevice(port, DeviceKind(port), speed); }

    /// <summary>The channel, then COM2 and further ones, then COM1.</summary>
    public override List<string> FindPorts()
    {
        List<int> numbers = new List<int>();
        char[] made = new char[1 << 18];
        uint length = Win32.QueryDosDeviceW(null, made, (uint)made.Length);
        foreach (string name in new string(made, 0, (int)length).Split('\0'))
            if (IsCom(name)) numbers.Add(int.Parse(name.Substring(3)));
        numbers.Sort();
        if (numbers.Remove(1)) numbers.Add(1);
        List<string> found = new List<string>();
        found.Add("org.guestwire.0");
        foreach (int number in numbers) found.Add("COM" + number);
        return found;
    }

    public override void OnStop(Job stop)
    {
        Win32.ControlHandler handler = delegate(int what)
        {
            stop();
            // the window closes, the user logs off, the system shuts down: the
            // process ends when this returns
            if (what >= Win32.CloseEvent) Engine.AwaitEnd(4000);
            return true;
        };
        _handlers.Add(handler);
        Win32.SetConsoleCtrlHandler(handler, true);
    }
}

// ---------------------------------------------------------------------------
// 10. Paths
// ---------------------------------------------------------------------------

/// <summary>A name in a directory that is held: nobody can put another in its
/// place. Name is empty for the directory itself.</summary>
class Location : IDisposable
{
    public readonly string Directory, Name;
    IDisposable _hold;

    public Location(string directory, string name, IDisposable hold)
    {
        Directory = directory;
        Name = name;
        _hold = hold;
    }

    public string Path { get { return Directory.Length == 0 ? Name : Platform.Current.Join(Directory, Name); } }

    public string Beside(string name) { return Platform.Current.Join(Directory, name); }

    /// <summary>What is there, null if nothing.</summary>
    public Facts Look()
    {
        try { return Platform.Current.Look(Path); }
        catch (SystemError error) { throw error.Refuse(Path); }
    }

    /// <summary>The same directory with another name; takes the hold over.</summary>
    public Location Renamed(string name)
    {
        Location other = new Location(Directory, name, _hold);
        _hold = null;
        return other;
    }

    public void Dispose()
    {
        if (_hold != null) _hold.Dispose();
        _hold = null;
    }
}

/// <summary>The directory relative paths begin at and, if confined, the one
/// outside which nothing is touched.</summary>
class Root
{
    readonly Platform _platform = Platform.Current;
    public readonly bool Confined;
    public readonly string Path;

    public Root(string path)
    {
        Confined = path != null;
        string start = Environment.CurrentDirectory;
        Place place = _platform.Parse(path ?? start, start);
        using (_platform.Hold(_platform.Join(place.Directory, place.Name), out Path)) { }
        if (Path != null) return;
        if (Confined) throw new Refused("bad-name", "on this drive nothing can be kept inside a directory");
        Path = _platform.Join(place.Directory, place.Name);
    }

    static string Text(byte[] path)
    {
        if (path.Length == 0) throw new Refused("bad-request", "empty path");
        string text;
        try { text = new UTF8Encoding(false, true).GetString(path); }
        catch (ArgumentException) { throw new Refused("bad-name", "the path is not UTF-8", Encoding.UTF8.GetString(path)); }
        if (text.IndexOf('\0') >= 0) throw new Refused("bad-name", "NUL in a path", text);
        return text;
    }

    Place Parse(string text)
    {
        try { return _platform.Parse(text, Path); }
        catch (Refused error)
        {
            error.Path = text;
            throw;
        }
    }

    /// <summary>A path as it would be called, whether it exists or not.</summary>
    public string Absolute(byte[] path)
    {
        Place place = Parse(Text(path));
        return _platform.Join(place.Directory, place.Name);
    }

    /// <summary>The Location of a path as a host writes it; Refused if it cannot
    /// be reached. `follow`: also follow a symbolic link at its end.</summary>
    public Location Locate(byte[] path, bool follow)
    {
        string text = Text(path);
        Location place = Locate(text, text);
        try
        {
            for (int links = 1; follow && place.Name.Length > 0; links++)
            {
                Facts found = place.Look();
                if (found == null || found.Kind != "symlink") break;
                if (links > Wire.SymlinksMax) throw new Refused("io", "too many symbolic links", text, "ELOOP", null);
                string target = _platform.ReadLink(place.Path);
                string next = _platform.IsAbsolute(target) ? target : place.Beside(target);
                place.Dispose();
                place = Locate(next, text);
            }
            return place;
        }
        catch (SystemError error)
        {
            place.Dispose();
            throw error.Refuse(text);
        }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>`told` is the path as the host knows it.</summary>
    Location Locate(string text, string told)
    {
        Place place = Parse(text);
        if (place.IsNul)
        {
            if (Confined) throw Escape(told);
            return new Location("", place.Name, null);
        }
        string real;
        IDisposable hold;
        try { hold = _platform.Hold(place.Directory, out real); }
        catch (SystemError error)
        {
            if (Confined && !DeepestIsInside(place.Directory)) throw Escape(told);  // what is out there is not told
            throw error.Refuse(told);
        }
        if (real == null && !Confined) real = place.Directory;
        if (!Confined || real != null && Inside(real)) return new Location(real, place.Name, hold);
        hold.Dispose();
        if (real == null || !_platform.SameName(_platform.Join(real, place.Name), Path)) throw Escape(told);
        return new Location(Path, "", _platform.Hold(Path, out real));      // the root itself, by its whole name
    }

    static Refused Escape(string path)
    {
        return new Refused("outside-root", "the path leads out of the receiver's root", path);
    }

    bool Inside(string real)
    {
        if (_platform.SameName(real, Path)) return true;
        string prefix = _platform.Join(Path, " ").TrimEnd(' ');
        return real.Length > prefix.Length && _platform.SameName(real.Substring(0, prefix.Length), prefix);
    }

    /// <summary>Whether the part of the path that exists is inside, and where a
    /// symbolic link to nothing leads.</summary>
    bool DeepestIsInside(string directory)
    {
        string part = directory;
        for (int links = 0; part != null && links <= Wire.SymlinksMax; )
        {
            try
            {
                string real;
                using (_platform.Hold(part, out real)) return real != null && Inside(real);
            }
            catch (SystemError) { }
            string target = TargetOf(part);
            if (target != null) links++;
            part = target ?? _platform.Parent(part);
        }
        return false;
    }

    string TargetOf(string path)
    {
        try
        {
            Facts found = _platform.Look(path);
            if (found == null || found.Kind != "symlink") return null;
            string target = _platform.ReadLink(path);
            return _platform.IsAbsolute(target) ? target : _platform.Join(_platform.Parent(path), target);
        }
        catch (SystemError) { return null; }
    }
}

// ---------------------------------------------------------------------------
// 11. Arguments of requests
// ---------------------------------------------------------------------------

static class Arguments
{
    static Refused Invalid(string key) { return new Refused("bad-request", key + " is invalid"); }

    /// <summary>-1 if it is missing and may be.</summary>
    public static long Number(Fields fields, string key, bool required)
    {
        string text = fields.Ascii(key);
        if (text == null)
        {
            if (required) throw new Refused("bad-request", key + " is missing");
            return -1;
        }
        ulong value;
        if (!AllDigits(text, '9', 19) || !ulong.TryParse(text, out value) || value > long.MaxValue) throw Invalid(key);
        return (long)value;
    }

    static bool AllDigits(string text, char highest, int most)
    {
        foreach (char c in text) if (c < '0' || c > highest) return false;
        return text.Length > 0 && text.Length <= most;
    }

    public static int Mode(Fields fields)
    {
        string text = fields.Ascii("mode");
        if (text == null) return -1;
        if (!AllDigits(text, '7', 7)) throw Invalid("mode");
        return Convert.ToInt32(text, 8);
    }

    /// <summary>Nanoseconds since 1970; false if there is none.</summary>
    public static bool Mtime(Fields fields, out long nanoseconds)
    {
        nanoseconds = 0;
        string text = fields.Ascii("mtime");
        if (text == null) return false;
        bool negative = text.StartsWith("-", StringComparison.Ordinal);
        string whole = negative ? text.Substring(1) : text, fraction = "0";
        int dot = whole.IndexOf('.');
        if (dot >= 0)
        {
            fraction = whole.Substring(dot + 1);
            whole = whole.Substring(0, dot);
        }
        if (!AllDigits(whole, '9', 12) || !AllDigits(fraction, '9', 9)) throw Invalid("mtime");
        if (whole.Length > 10) throw new Refused("bad-request", "mtime is out of range");   // 2286
        nanoseconds = long.Parse(whole) * 1000000000 + long.Parse(fraction.PadRight(9, '0'));
        if (negative) nanoseconds = -nanoseconds;
        return true;
    }

    public static string TimeText(long nanoseconds)
    {
        string text = Math.Abs(nanoseconds / 1000000000) + "." + Math.Abs(nanoseconds % 1000000000).ToString("d9");
        return (nanoseconds < 0 ? "-" : "") + text.TrimEnd('0').TrimEnd('.');
    }

    public static string Conflict(Fields fields)
    {
        string value = fields.Ascii("conflict") ?? "fail";
        if (Array.IndexOf(new string[] { "fail", "overwrite", "skip", "newer", "rename" }, value) < 0)
            throw new Refused("unsupported", "conflict policy unknown");
        return value;
    }

    public static string Sha256(Fields fields) { return Digits(fields, "sha256", 64); }

    public static uint Session(Fields fields) { return Convert.ToUInt32(Digits(fields, "session", 8), 16); }

    /// <summary>So many hexadecimal digits in lower case.</summary>
    static string Digits(Fields fields, string key, int count)
    {
        string text = fields.Ascii(key);
        if (text == null) throw new Refused("bad-request", key + " is missing");
        foreach (char c in text) if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) throw Invalid(key);
        if (text.Length != count) throw Invalid(key);
        return text;
    }
}

// ---------------------------------------------------------------------------
// 12. A put: temporary file, hash on the way, flush, rename
// ---------------------------------------------------------------------------

/// <summary>Whether a request goes on. "Keep" leaves a partial file, from which a later put can go on.</summary>
enum Cancellation { None, Foreseen, Drop, Keep }

/// <summary>What is open under a stream's number.</summary>
class Request
{
    int _cancellation;                      // set by the port's thread and the worker, read by finishers

    Cancellation Cancellation { get { return (Cancellation)Thread.VolatileRead(ref _cancellation); } }

    /// <summary>A cancel is on its way, or has come: a long step stops.</summary>
    public bool IsInterrupted { get { return Cancellation != Cancellation.None; } }

    /// <summary>A finisher looks at it before it renames.</summary>
    public bool IsCancelled { get { return Cancellation >= Cancellation.Drop; } }

    public bool KeepsPartial { get { return Cancellation == Cancellation.Keep; } }

    /// <summary>Never takes back a cancel that the worker has seen meanwhile.</summary>
    public void Foresee()
    {
        Interlocked.CompareExchange(ref _cancellation, (int)Cancellation.Foreseen, (int)Cancellation.None);
    }

    public void Cancel(bool keep)
    {
        Thread.VolatileWrite(ref _cancellation, (int)(keep ? Cancellation.Keep : Cancellation.Drop));
    }
}

/// <summary>As drawn in PROTOCOL.md, section 5.</summary>
enum UploadState { Opened, Preparing, Receiving, Committing, Over }

/// <summary>A request that DATA and `commit` follow. Only the worker touches it, but in Preparing and Committing,
/// when a finisher does.</summary>
abstract class Upload : Request
{
    public volatile UploadState State = UploadState.Opened;

    public IncomingStream Stream { get; protected set; }
    public abstract Location Place { get; }

    /// <summary>In the worker, when size and hash are right.</summary>
    public virtual void BeginFinishing() { }

    /// <summary>Does what was asked for; may take long.</summary>
    public abstract void Finish();

    /// <summary>What `done` says.</summary>
    public virtual Fields Answer()
    {
        return new Fields().Add("path", Place.Path).Add("size", Stream.Received).Add("sha256", Stream.Digest);
    }

    /// <summary>Idempotent; what is unfinished goes, unless it's kept to be resumed.</summary>
    public abstract void Close(bool failed);
}

/// <summary>What a put and a bundle are told alike.</summary>
class UploadOptions
{
    public readonly string Conflict;
    public readonly long Size;              // -1: not told
    public readonly int Mode;               // -1: not told
    public readonly bool HasMtime, SkipsUnchanged, IsEncoded;
    public readonly long Mtime;

    public UploadOptions(Fields fields)
    {
        Conflict = Arguments.Conflict(fields);
        Size = Arguments.Number(fields, "size", false);
        Mode = Arguments.Mode(fields);
        HasMtime = Arguments.Mtime(fields, out Mtime);
        string unchanged = fields.Ascii("unchanged"), encoding = fields.Ascii("encoding");
        if (unchanged != null && unchanged != "skip") throw new Refused("unsupported", "unchanged policy unknown");
        if (encoding != null && encoding != "deflate") throw new Refused("unsupported", "encoding unknown");
        SkipsUnchanged = unchanged != null;
        IsEncoded = encoding != null;
    }
}

/// <summary>Temporary files that exist now, so that the end of the program can
/// remove them even if a worker hangs on its disk.</summary>
static class Leftovers
{
    static readonly Dictionary<object, string> Files = new Dictionary<object, string>();

    public static void Add(object owner, string path) { lock (Files) Files[owner] = path; }

    public static void Forget(object owner) { lock (Files) Files.Remove(owner); }

    public static void RemoveAll()
    {
        lock (Files)
        {
            foreach (string path in Files.Values)
            {
                try { Platform.Current.Delete(path); }
                catch (SystemError error) { Log.Warning("removing " + path + ": " + error.Message); }
            }
            Files.Clear();
        }
    }
}

static class Names
{
    const string Prefix = ".guestwire-";

    public static string Temporary()
    {
        byte[] random = new byte[4];
        RandomNumberGenerator.Create().GetBytes(random);
        return Prefix + Sha256.Hex(random) + ".part";
    }

    /// <summary>Where a put with resume=1 collects the file of that name.</summary>
    public static string Partial(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Sha256 hash = new Sha256();
        hash.Add(bytes, 0, bytes.Length);
        return Prefix + hash.FinishHex().Substring(0, 8) + ".partial";
    }

    public static bool IsTemporary(string name) { return Is(name, ".part"); }

    public static bool IsPartial(string name) { return Is(name, ".partial"); }

    static bool Is(string name, string end)
    {
        if (name.Length != Prefix.Length + 8 + end.Length || !name.StartsWith(Prefix, StringComparison.Ordinal)
            || !name.EndsWith(end, StringComparison.Ordinal)) return false;
        for (int i = Prefix.Length; i < Prefix.Length + 8; i++)
            if ("0123456789abcdef".IndexOf(name[i]) < 0) return false;
        return true;
    }

    /// <summary>`name (2).ext`; a leading dot does not begin an extension.</summary>
    static string Numbered(string name, int number)
    {
        int dot = name.LastIndexOf('.');
        if (dot <= 0) dot = name.Length;
        return name.Substring(0, dot) + " (" + number + ")" + name.Substring(dot);
    }

    /// <summary>The first numbered name beside `place` that is not taken.</summary>
    public static string Free(Location place)
    {
        for (int number = 2; number < 100000; number++)
        {
            string name = Numbered(place.Name, number);
            try
            {
                if (Platform.Current.Look(place.Beside(name)) == null) return name;
            }
            catch (SystemError error) { throw error.Refuse(place.Path); }
        }
        throw new Refused("exists", "too many names are taken", place.Path);
    }

    /// <summary>Removes temporary files whose receiver is gone, for nobody has
    /// them open, and partial files that nobody has touched for a week.</summary>
    public static void Sweep(string directory)
    {
        Platform platform = Platform.Current;
        long now = (DateTime.UtcNow - new DateTime(1970, 1, 1)).Ticks * 100;
        foreach (string name in platform.Temporaries(directory))
        {
            string path = platform.Join(directory, name);
            try
            {
                if (IsPartial(name))
                {
                    Facts found = platform.Look(path);
                    if (found == null || now - found.Mtime < Wire.PartialDays * 86400e9) continue;
                }
                else if (!IsTemporary(name)) continue;
                if (platform.DeleteUnused(path)) Log.Info("removed the orphan " + path);
            }
            catch (SystemError error) { Log.Debug("orphan " + path + ": " + error.Message); }
        }
    }
}

/// <summary>The bytes that follow a put or a bundle: in order, inflated or copied from the basis, hashed. What it refuses
/// has no path yet; Requests adds it. Only the worker touches it, but while a finisher hashes a partial file.</summary>
class IncomingStream
{
    readonly Request _request;
    readonly long _size;                    // -1: not told
    readonly Sink _sink;                    // gets the bytes that come behind those received
    readonly Inflate _inflate;              // null without `encoding`
    Sha256 _hash = new Sha256();
    byte[] _buffer;                         // for a COPY
    OpenFile _basis;
    Job _startAnew;                         // what else must begin anew where the host doesn't take the offer
    long _encodedAt = -1;                   // offset of the ENCODED frame right before
    long _inflatedFrom;                     // what had been received before that frame
    bool _isBrokenOff;                      // within a frame, when interrupted; what follows is dropped

    public long Received { get; private set; }
    public long Offered { get; private set; }       // bytes to go on from; 0 once the host has decided
    public long BasisSize { get; private set; }     // -1: there is none
    public string Digest { get; private set; }      // after Check

    public IncomingStream(Request request, UploadOptions options, Sink sink)
    {
        _request = request;
        _size = options.Size;
        _sink = sink;
        BasisSize = -1;
        if (options.IsEncoded) _inflate = new Inflate(StoreInflated);
    }

    public void SetBasis(OpenFile basis, long size)
    {
        _basis = basis;
        BasisSize = size;
    }

    // -- resumption ----------------------------------------------------------

    public void Offer(long bytes, Job startAnew)
    {
        Offered = bytes;
        _startAnew = startAnew;
    }

    /// <summary>Bytes that were there before.</summary>
    public void AddOffered(byte[] data, int count) { _hash.Add(data, 0, count); }

    /// <summary>The first offset says whether the host goes on from what it was offered or begins anew.</summary>
    void Decide(long offset)
    {
        if (Offered == 0) return;
        if (offset == Offered) Received = Offered;
        else if (offset == 0)
        {
            _startAnew();
            _hash = new Sha256();
        }
        Offered = 0;
    }

    // -- data ----------------------------------------------------------------

    public void Write(byte[] frame, int length, bool encoded)
    {
        if (_isBrokenOff) return;
        long offset = Offset(frame, length);
        if (encoded)
        {
            WriteEncoded(offset, frame, length);
            return;
        }
        _encodedAt = -1;
        if (offset != Received) throw WrongOffset(offset);
        Store(frame, 8, length - 8);
    }

    void WriteEncoded(long offset, byte[] frame, int length)
    {
        if (_inflate == null) throw new Refused("bad-request", "ENCODED without an encoding");
        if (offset != Received && offset != _encodedAt) throw WrongOffset(offset);
        _encodedAt = offset;
        _inflatedFrom = Received;
        try { _inflate.Feed(frame, 8, length - 8); }
        catch (BadData error) { throw new Refused("bad-data", error.Message); }
    }

    long Offset(byte[] frame, int length)
    {
        if (length < 8) throw new Refused("bad-request", "a frame without an offset");
        ulong offset = Bytes.U64(frame, 0);
        if (offset > long.MaxValue) throw new Refused("bad-request", "offset out of range");
        Decide((long)offset);
        return (long)offset;
    }

    Refused WrongOffset(long offset)
    {
        return new Refused("bad-request", "offset " + offset + " where " + Received + " was due");
    }

    public void Copy(byte[] frame, int length)
    {
        if (_isBrokenOff) return;
        long offset = Offset(frame, length);
        _encodedAt = -1;
        if (_buffer == null) _buffer = new byte[Wire.Step];
        if (BasisSize < 0) throw new Refused("bad-request", "COPY without a basis");
        if (length < 20 || (length - 8) % 12 != 0) throw new Refused("bad-request", "COPY of a wrong length");
        if (offset != Received) throw WrongOffset(offset);
        for (int at = 8; at < length && !_isBrokenOff; at += 12)
        {
            CopyRange(Bytes.U64(frame, at), Bytes.U32(frame, at + 8));
            if (_request.IsInterrupted && at + 12 < length) _isBrokenOff = true;
        }
    }

    void CopyRange(ulong from, uint length)
    {
        if (from > (ulong)BasisSize || length > (ulong)BasisSize - from)
            throw new Refused("bad-request", "COPY from outside the basis");
        CheckSize(length);
        try { _basis.Seek((long)from); }
        catch (SystemError error) { throw error.RefuseWrite(null); }
        for (long left = length; left > 0 && !_isBrokenOff; )
        {
            int count;
            try { count = _basis.Read(_buffer, 0, (int)Math.Min(_buffer.Length, left)); }
            catch (SystemError error) { throw error.RefuseWrite(null); }
            if (count <= 0) throw new Refused("basis-changed", "the basis became shorter");
            Store(_buffer, 0, count);
            left -= count;
            if (_request.IsInterrupted && left > 0) _isBrokenOff = true;
        }
    }

    void CheckSize(long count)
    {
        if (_size >= 0 && count > _size - Received)
            throw new Refused("size-mismatch", "more than the " + _size + " bytes announced");
    }

    void StoreInflated(byte[] data, int offset, int count)
    {
        if (_isBrokenOff) return;
        Store(data, offset, count);
        _isBrokenOff = _request.IsInterrupted && Received > _inflatedFrom + Wire.Step;
    }

    /// <summary>One step: the hash and the file always agree.</summary>
    void Store(byte[] data, int offset, int count)
    {
        if (count == 0) return;
        CheckSize(count);
        _hash.Add(data, offset, count);
        _sink(data, offset, count);
        Received += count;
    }

    // -- end -----------------------------------------------------------------

    public void Check(long size, string digest)
    {
        Decide(size);
        if (size != Received) throw new Refused("size-mismatch", Received + " bytes arrived, " + size + " were sent");
        Digest = _hash.FinishHex();
        if (digest != Digest) throw new Refused("hash-mismatch", "SHA-256 differs");
    }

    public void CloseBasis()
    {
        if (_basis != null) _basis.Close();
        _basis = null;
    }
}

/// <summary>The file that is written, under a temporary name until it is whole: of a put, or of a record of a bundle.
/// Same threads as the request it's of.</summary>
class Destination
{
    readonly Platform _platform = Platform.Current;
    readonly string _conflict;
    readonly int _mode;                     // -1: not told
    readonly bool _hasMtime;
    readonly long _mtime;
    OpenFile _file;
    string _temporary;                      // its path
    bool _replaces;                         // the name existed when the put began

    public Location Place { get; private set; }
    public bool IsDevice { get; private set; }

    public Destination(Location place, string conflict, int mode, bool hasMtime, long mtime)
    {
        Place = place;
        _conflict = conflict;
        _mode = mode;
        _hasMtime = hasMtime;
        _mtime = mtime;
    }

    // -- before --------------------------------------------------------------

    /// <summary>What `conflict` says about what's there. Returns null, or why it is skipped.</summary>
    public string Settle(Facts found)
    {
        if (found == null) return null;
        if (found.Kind == "device")
        {
            IsDevice = true;
            return null;
        }
        if (_conflict == "skip") return "exists";
        if (_conflict == "rename" && Place.Name.Length > 0)
        {
            Place = Place.Renamed(Names.Free(Place));
            return null;
        }
        if (found.Kind != "file")
            throw new Refused("is-" + found.Kind, "the destination is a " + found.Kind, Place.Path);
        if (_conflict == "fail") throw Exists(found, Place.Path);
        if (_conflict == "newer")
        {
            if (!_hasMtime) throw new Refused("bad-request", "conflict=newer needs mtime", Place.Path);
            if (_mtime <= found.Mtime) return "not-newer";
        }
        _replaces = true;
        return null;
    }

    /// <summary>`error code=exists` tells what is there.</summary>
    public static Refused Exists(Facts found, string path)
    {
        Fields extra = new Fields();
        if (found != null)
        {
            extra.Add("type", found.Kind);
            if (found.Kind == "file") extra.Add("size", found.Size);
            extra.Add("mtime", Arguments.TimeText(found.Mtime));
        }
        return new Refused("exists", "the name exists", path, "EEXIST", extra);
    }

    /// <summary>rsync's quick check; file systems keep more or fewer digits.</summary>
    public static bool IsUnchanged(Facts found, long size, long mtime)
    {
        return found.Kind == "file" && found.Size == size && Microseconds(found.Mtime) == Microseconds(mtime);
    }

    static long Microseconds(long nanoseconds)
    {
        return nanoseconds / 1000 - (nanoseconds % 1000 < 0 ? 1 : 0);
    }

    /// <summary>SystemError if the file that is there cannot be replaced.</summary>
    public void CheckReplaceable() { if (_replaces) _platform.CheckReplaceable(Place.Path); }

    /// <summary>`there`: bytes of `size` that are on the disk already.</summary>
    public void CheckSpace(long size, long there)
    {
        if (size <= 0) return;
        long free = _platform.FreeBytes(Place.Directory);
        if (free < 0) return;               // the write will tell
        free += there;
        if (size > free) throw new Refused("no-space", size + " bytes are needed, " + free + " are free", Place.Path,
                                           _platform.Separator == '/' ? "ENOSPC" : "ERROR_DISK_FULL", null);
    }

    public bool IsOpen { get { return _file != null; } }

    public void OpenDevice() { _file = _platform.OpenDevice(Place.Path); }

    public void OpenTemporary()
    {
        for (int attempt = 0; _file == null; attempt++)
        {
            string path = Place.Beside(Names.Temporary());
            try { Use(_platform.Create(path), path); }
            catch (SystemError error)
            {
                if (error.Code != "exists" || attempt == 100) throw;
            }
        }
    }

    public void Use(OpenFile file, string path)
    {
        _file = file;
        _temporary = path;
        Leftovers.Add(this, path);
    }

    // -- content -------------------------------------------------------------

    public int Read(byte[] data, int count) { return _file.Read(data, 0, count); }

    public void Write(byte[] data, int offset, int count)
    {
        try { _file.Write(data, offset, count); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    public void Truncate()
    {
        try { _file.Truncate(); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    // -- end -----------------------------------------------------------------

    public void Flush()
    {
        try { _file.Flush(); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    /// <summary>Gives the whole file its mode, time and name.</summary>
    public void TakeName()
    {
        // not before: a partial file that stays keeps its own mode and time
        _file.SetAttributes(_mode, _hasMtime, _mtime);
        // the file stays open, for else a sweep could take it for an orphan
        NameIt();
        _file.Close();
        _file = null;
        Leftovers.Forget(this);
        _temporary = null;
        _platform.FlushDirectory(Place.Directory);
    }

    void NameIt()
    {
        while (true)
        {
            if (_replaces)
            {
                CheckStillFile();
                _platform.Replace(_temporary, Place.Path);
                return;
            }
            if (_platform.MoveNew(_temporary, Place.Path)) return;
            // somebody made the name in the meantime
            if (_conflict == "overwrite") _replaces = true;
            else if (_conflict == "rename") Place = Place.Renamed(Names.Free(Place));
            else throw Exists(Place.Look(), Place.Path);
        }
    }

    void CheckStillFile()
    {
        Facts found = Place.Look();
        if (found == null || found.Kind == "file") return;
        string kind = found.Kind == "device" ? "special" : found.Kind;
        throw new Refused("is-" + kind, "the destination became a " + kind, Place.Path);
    }

    /// <summary>Idempotent; without `keep` a temporary file goes.</summary>
    public void Close(bool keep)
    {
        if (_file != null) _file.Close();
        _file = null;
        if (_temporary != null && !keep)
        {
            try { _platform.Delete(_temporary); }
            catch (SystemError error) { Log.Warning("removing " + _temporary + ": " + error.Message); }
        }
        Leftovers.Forget(this);
        _temporary = null;
        Place.Dispose();
    }
}

/// <summary>One file being received; what is there may be its basis, a partial file may be gone on from.</summary>
class Put : Upload
{
    readonly Platform _platform = Platform.Current;
    readonly UploadOptions _options;
    readonly Destination _destination;
    readonly bool _wantsResume, _wantsBasis;
    readonly string _sentPath, _sentName;   // before `rename`
    bool _usesPartial;                      // the temporary file may be kept
    string _partialHash;

    public Put(Location place, Fields fields)
    {
        _sentPath = place.Path;
        _sentName = place.Name;
        _options = new UploadOptions(fields);
        _destination = new Destination(place, _options.Conflict, _options.Mode, _options.HasMtime, _options.Mtime);
        _wantsResume = fields.Yes("resume");
        _wantsBasis = fields.Yes("basis");
        Stream = new IncomingStream(this, _options, _destination.Write);
    }

    public override Location Place { get { return _destination.Place; } }
    public bool IsDevice { get { return _destination.IsDevice; } }

    /// <summary>True if Prepare may take long.</summary>
    public bool Resumes { get { return _wantsResume && !IsDevice; } }

    // -- begin ---------------------------------------------------------------

    /// <summary>Looks at the destination. Returns null, or why it is skipped.</summary>
    public string Begin()
    {
        Facts found = Place.Look();
        bool compares = found != null && _options.SkipsUnchanged && _options.HasMtime;
        if (compares && Destination.IsUnchanged(found, _options.Size, _options.Mtime)) return "unchanged";
        return _destination.Settle(found);
    }

    /// <summary>Opens what is written to and read from.</summary>
    public void Prepare()
    {
        try
        {
            if (IsDevice)
            {
                _destination.OpenDevice();
                return;
            }
            _destination.CheckReplaceable();
            if (_wantsBasis) OpenBasis();
            if (_wantsResume) OpenPartial();
            if (!_destination.IsOpen) _destination.OpenTemporary();
            _destination.CheckSpace(_options.Size, Stream.Offered);
        }
        catch (SystemError error) { throw error.Refuse(Place.Path); }
    }

    void OpenBasis()
    {
        try
        {
            Facts found = _platform.Look(_sentPath);
            if (found == null || found.Kind != "file") return;
            OpenFile basis = _platform.Open(_sentPath, false);
            Stream.SetBasis(basis, -1);
            found = basis.Look();
            if (found.Kind == "file") Stream.SetBasis(basis, found.Size);
        }
        catch (SystemError error) { Log.Debug("no basis: " + error.Message); }
    }

    public Fields Accepted()
    {
        Fields fields = new Fields().Add("path", Place.Path).Add("kind", IsDevice ? "device" : "file");
        if (Stream.BasisSize >= 0) fields.Add("basis", Stream.BasisSize);
        if (Stream.Offered > 0 && _partialHash != null)
            fields.Add("partial", Stream.Offered).Add("partial-sha256", _partialHash);
        return fields;
    }

    // -- resumption ----------------------------------------------------------

    void OpenPartial()
    {
        string path = Place.Beside(Names.Partial(_sentName));
        OpenFile file;
        try { file = _platform.Create(path); }
        catch (SystemError error)
        {
            if (error.Code != "exists") throw;
            file = OpenOldPartial(path);
            if (file == null) return;       // somebody else's: an ordinary temporary file will do
        }
        _destination.Use(file, path);
        _usesPartial = true;
        if (Stream.Offered > 0) HashPartial();
    }

    OpenFile OpenOldPartial(string path)
    {
        OpenFile file = null;
        try
        {
            Facts found = _platform.Look(path);
            if (found == null || found.Kind != "file") return null;
            file = _platform.Open(path, true);
            found = file.Look();
            if (found.Kind == "file" && found.OnlyLink && found.Ours)
            {
                if (_options.Size >= 0 && found.Size > _options.Size) file.Truncate();
                else Stream.Offer(found.Size, _destination.Truncate);
                return file;
            }
        }
        catch (SystemError error) { Log.Debug(path + ": " + error.Message); }
        if (file != null) file.Close();
        return null;
    }

    /// <summary>One hash to tell, one to go on with: they cannot be copied.</summary>
    void HashPartial()
    {
        Sha256 told = new Sha256();
        byte[] buffer = new byte[Wire.Step];
        for (long at = 0; at < Stream.Offered; )
        {
            if (IsInterrupted) return;
            int count = _destination.Read(buffer, (int)Math.Min(buffer.Length, Stream.Offered - at));
            if (count <= 0) throw new Refused("io", "the partial file became shorter", Place.Path);
            told.Add(buffer, 0, count);
            Stream.AddOffered(buffer, count);
            at += count;
        }
        _partialHash = told.FinishHex();
    }

    // -- end -----------------------------------------------------------------

    public override void Finish()
    {
        if (IsDevice) return;
        try
        {
            _destination.Flush();
            if (IsCancelled) throw new Refused("cancelled", "cancelled", Place.Path);
            Stream.CloseBasis();            // Windows replaces no file that is open
            _destination.TakeName();
        }
        catch (SystemError error) { throw error.Refuse(Place.Path); }
    }

    public override void Close(bool failed)
    {
        // a partial file that the host has not decided about is as it was
        long there = Stream.Offered > 0 ? Stream.Offered : Stream.Received;
        Stream.CloseBasis();
        _destination.Close(!failed && KeepsPartial && _usesPartial && there >= Wire.PartialMin);
        State = UploadState.Over;
    }
}

// ---------------------------------------------------------------------------
// 13. A bundle: many small files in one stream (section 6)
// ---------------------------------------------------------------------------

/// <summary>`Words` lead to the directory of the name `Last`, which is empty if
/// the record is about that directory itself.</summary>
class Record
{
    public const int HeadBytes = 16;

    public readonly int Number, Mode;       // -1: no mode
    public readonly ulong Mtime;
    public readonly int Start;              // of the contents
    public readonly uint Size;
    public readonly string Name, Words, Last;

    public Record(int number, byte[] stream, int at)
    {
        int length = stream[at] << 8 | stream[at + 1], mode = stream[at + 2] << 8 | stream[at + 3];
        Number = number;
        Mode = mode == Wire.NoMode ? -1 : mode;
        Size = Bytes.U32(stream, at + 4);
        Mtime = Bytes.U64(stream, at + 8);
        Start = at + HeadBytes + length;
        if (Start > stream.Length) return;  // the caller sees it
        Name = Text(stream, at + HeadBytes, length);
        int slash = Name.LastIndexOf('/');
        Last = Name.Substring(slash + 1);
        Words = slash < 0 ? "" : Name.Substring(0, slash);
        if (Name.StartsWith("/", StringComparison.Ordinal)) Words = "/" + Words;    // an empty part, which leads nowhere
    }

    /// <summary>What is no UTF-8 becomes a name that no file can have.</summary>
    static string Text(byte[] stream, int at, int length)
    {
        try { return new UTF8Encoding(false, true).GetString(stream, at, length); }
        catch (ArgumentException) { return Encoding.ASCII.GetString(stream, at, length).Replace('?', '\0'); }
    }

    public bool IsDirectory { get { return Last.Length == 0; } }
    public bool HasMtime { get { return Mtime != Wire.NoMtime; } }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Time
    {
        get
        {
            if (HasMtime && Mtime > long.MaxValue) throw new Refused("bad-request", "mtime is out of range");
            return HasMtime ? (long)Mtime : 0;
        }
    }

    public int Depth
    {
        get
        {
            int depth = 0;
            foreach (char c in Name) if (c == '/') depth++;
            return depth;
        }
    }
}

/// <summary>The directories that the names of a bundle lead to, each held. They
/// are entered one part at a time and never by a link, so nothing leads away
/// from the bundle's own directory.</summary>
class Folders
{
    readonly Platform _platform = Platform.Current;
    readonly Dictionary<string, IDisposable> _held = new Dictionary<string, IDisposable>();
    readonly string _top;
    readonly bool _nameless;                // of nothing on this drive it can be told where it really is

    public Folders(Location place)
    {
        _top = place.Directory;
        string real;
        using (_platform.Hold(_top, out real)) _nameless = real == null;
    }

    /// <summary>The path of a directory; SystemError where there is none.</summary>
    public string Enter(string words)
    {
        if (words.Length == 0) return _top;
        if (_held.ContainsKey(words)) return _platform.Join(_top, words.Replace('/', _platform.Separator));
        string path = PathOf(words);
        _held[words] = Hold(path);
        return path;
    }

    /// <summary>Of what has the name at the end of `words`.</summary>
    public string PathOf(string words)
    {
        int slash = words.LastIndexOf('/');
        return _platform.Join(Enter(slash < 0 ? "" : words.Substring(0, slash)), Checked(words.Substring(slash + 1)));
    }

    public string Checked(string name)
    {
        if (name.Length == 0 || name == "." || name == ".." || name.IndexOf('\0') >= 0
            || name.IndexOf(_platform.Separator) >= 0) throw new Refused("bad-name", "no name for a file");
        _platform.CheckName(name);
        return name;
    }

    IDisposable Hold(string path)
    {
        Facts found = _platform.Look(path);
        if (found == null) throw new SystemError("no-directory", null, "there is no such directory", false);
        string real = null;
        IDisposable hold = found.Kind == "directory" ? _platform.Hold(path, out real) : null;
        // what is held may be behind a link that took its place since
        if (hold != null && (real == null ? _nameless : _platform.SameName(real, path))) return hold;
        if (hold != null) hold.Dispose();
        throw new SystemError("not-a-directory", null, "not a directory", false);
    }

    public void LeaveIfMany() { if (_held.Count > Wire.FoldersMax) Leave(); }

    /// <summary>Idempotent.</summary>
    public void Leave()
    {
        foreach (IDisposable hold in _held.Values) hold.Dispose();
        _held.Clear();
    }
}

delegate void Visit(string directory);

delegate void Work(Record record);

/// <summary>Held in memory until its hash is known to be right: then every file
/// is put one after the other. What cannot be done is `left` to the host, which
/// puts it alone and so learns why.</summary>
class Bundle : Upload
{
    readonly Platform _platform = Platform.Current;
    readonly Location _place;
    readonly UploadOptions _options;
    readonly bool _compares;                // no contents: the host asks what is there
    readonly Folders _folders;
    readonly Visit _newFolder;              // gets a directory that was there before
    readonly List<Record> _records = new List<Record>();
    readonly List<int> _left = new List<int>(), _unchanged = new List<int>(), _absent = new List<int>();
    readonly Dictionary<string, bool> _seen = new Dictionary<string, bool>();   // directories, by their words
    readonly Dictionary<string, string> _names = new Dictionary<string, string>(Platform.Current.NameComparer);
    byte[] _content;

    public Bundle(Location place, Fields fields, bool compares, Visit newFolder)
    {
        _place = place;
        _options = new UploadOptions(fields);
        if (_options.Size < 0 || _options.Size > Wire.BundleMax)
            throw new Refused("bad-request", "a bundle is of at most " + Wire.BundleMax + " bytes");
        _compares = compares;
        _newFolder = newFolder;
        _content = new byte[_options.Size];
        Stream = new IncomingStream(this, _options, Keep);
        try { _folders = new Folders(place); }
        catch (SystemError error) { throw error.Refuse(place.Path); }
    }

    public override Location Place { get { return _place; } }

    void Keep(byte[] data, int offset, int count)
    {
        Buffer.BlockCopy(data, offset, _content, (int)Stream.Received, count);
    }

    public override Fields Answer()
    {
        Fields fields = base.Answer();
        if (_left.Count > 0) fields.Add("left", NumberList(_left));
        if (_unchanged.Count > 0) fields.Add("unchanged", NumberList(_unchanged));
        if (_absent.Count > 0) fields.Add("absent", NumberList(_absent));
        return fields;
    }

    /// <summary>Ascending numbers as text: 3,7-9.</summary>
    static string NumberList(List<int> numbers)
    {
        StringBuilder made = new StringBuilder();
        for (int i = 0; i < numbers.Count; i++)
        {
            int first = numbers[i];
            while (i + 1 < numbers.Count && numbers[i + 1] == numbers[i] + 1) i++;
            made.Append(made.Length > 0 ? "," : "").Append(first);
            if (numbers[i] > first) made.Append('-').Append(numbers[i]);
        }
        return made.ToString();
    }

    /// <summary>The directories, in which later requests may have something to do, are made at once.</summary>
    public override void BeginFinishing()
    {
        Parse();
        if (_compares) return;
        try
        {
            foreach (Record record in _records)
                if (record.IsDirectory && !record.HasMtime) Attempt(MakeDirectory, record);
        }
        finally { _folders.Leave(); }
    }

    void Parse()
    {
        int end = (int)Stream.Received;
        if (_content.Length != end) Array.Resize(ref _content, end);
        for (int at = 0; at < end; )
        {
            if (_records.Count == Wire.RecordsMax || end - at < Record.HeadBytes)
                throw new Refused("bad-request", "more than " + Wire.RecordsMax + " records, or half a one", Place.Path);
            Record record = new Record(_records.Count, _content, at);
            long next = record.Start + (_compares ? 0L : record.Size);
            if (next > end || record.Start == at + Record.HeadBytes || record.Depth > Wire.DepthMax)
                throw new Refused("bad-request", "a record that is cut off or has no proper name", Place.Path);
            _records.Add(record);
            at = (int)next;
        }
    }

    public override void Finish()
    {
        try
        {
            foreach (Record record in _records)
                if (_compares) Attempt(Compare, record);
                else if (!record.IsDirectory) Attempt(WriteFile, record);
            foreach (Record record in _records)
                if (!_compares && record.IsDirectory && record.HasMtime) Attempt(SetAttributes, record);
        }
        finally { _folders.Leave(); }
        _left.Sort();
    }

    public override void Close(bool failed)
    {
        _place.Dispose();
        State = UploadState.Over;
    }

    void Attempt(Work work, Record record)
    {
        if (IsCancelled) throw new Refused("cancelled", "cancelled", Place.Path);
        try { work(record); }
        catch (SystemError error) { LeaveToHost(record, error); }
        catch (Refused error) { LeaveToHost(record, error); }
        _folders.LeaveIfMany();
    }

    void LeaveToHost(Record record, Exception why)
    {
        Log.Debug("left to the host: " + record.Name + ": " + why.Message);
        if (!_compares) _left.Add(record.Number);
    }

    // -- directories ---------------------------------------------------------

    void MakeDirectory(Record record)
    {
        string path = _folders.PathOf(record.Words);
        if (!_platform.MakeDirectory(path))
        {
            _folders.Enter(record.Words);   // SystemError if it is none
            return;
        }
        _seen[record.Words] = true;
        if (record.Mode >= 0) _platform.SetAttributes(path, record.Mode, false, 0);
    }

    void SetAttributes(Record record)
    {
        string path = _folders.PathOf(record.Words);
        Facts found = _platform.Look(path);
        if (found == null || found.Kind != "directory")
            throw new Refused("not-a-directory", "there is no such directory", path);
        _platform.SetAttributes(path, record.Mode, true, record.Time);
    }

    // -- files ---------------------------------------------------------------

    void Compare(Record record)
    {
        Facts found;
        try { found = _platform.Look(_platform.Join(_folders.Enter(record.Words), _folders.Checked(record.Last))); }
        catch (SystemError error)
        {
            if (error.Code != "no-directory") throw;
            found = null;
        }
        if (found == null) _absent.Add(record.Number);
        else if (record.HasMtime && Destination.IsUnchanged(found, record.Size, record.Time)) _unchanged.Add(record.Number);
    }

    void WriteFile(Record record)
    {
        string folder = _folders.Enter(record.Words);
        string name = _folders.Checked(record.Last);
        CheckSpelling(record);
        if (!_seen.ContainsKey(record.Words)) _newFolder(folder);
        _seen[record.Words] = true;
        Destination file = new Destination(new Location(folder, name, null),
                                           _options.Conflict == "overwrite" ? "overwrite" : "fail", record.Mode,
                                           record.HasMtime, record.Time);
        try
        {
            file.Settle(file.Place.Look());
            if (file.IsDevice) throw new Refused("is-special", "not for a bundle", file.Place.Path);
            file.CheckReplaceable();
            file.OpenTemporary();
            file.CheckSpace(record.Size, 0);
            file.Write(_content, record.Start, (int)record.Size);
            file.Flush();
            file.TakeName();
        }
        finally { file.Close(false); }
    }

    /// <summary>Two names that differ for the host and not here must not become
    /// one file unnoticed.</summary>
    void CheckSpelling(Record record)
    {
        string before;
        if (_names.TryGetValue(record.Name, out before) && before != record.Name)
            throw new Refused("exists", "here it is the name " + before, record.Name);
        _names[record.Name] = record.Name;
    }
}

// ---------------------------------------------------------------------------
// 14. Requests (section 5). Runs in the worker; knows nothing of frames but
//     their type, flags, stream and payload
// ---------------------------------------------------------------------------

delegate void Reply(int stream, string verb, Fields fields);

/// <summary>Sends DATA; waits while much of it is under way. False: the session is over.</summary>
delegate bool SendData(int stream, byte[] payload);

/// <summary>Makes the asking session a lane of the one with that number.</summary>
delegate void Join(uint number);

class Requests
{
    readonly Root _root;
    readonly bool _readOnly;
    readonly int _frame;                    // largest payload the host takes
    readonly Reply _reply;
    readonly SendData _sendData;
    readonly Join _join;
    readonly Worker _worker;
    readonly Dictionary<int, Request> _open = new Dictionary<int, Request>();   // under its own lock: finishers end requests
    readonly Dictionary<int, bool> _draining = new Dictionary<int, bool>();     // streams whose put was answered early
    readonly Dictionary<string, bool> _swept = new Dictionary<string, bool>();
    readonly Queue<Job> _bundles = new Queue<Job>();    // to be written; the first is being so
    volatile bool _closed;

    public Requests(Root root, bool readOnly, int frame, Worker worker, Reply reply, SendData sendData, Join join)
    {
        _root = root;
        _readOnly = readOnly;
        _frame = frame;
        _worker = worker;
        _reply = reply;
        _sendData = sendData;
        _join = join;
    }

    Request Find(int stream)
    {
        Request found;
        lock (_open) return _open.TryGetValue(stream, out found) ? found : null;
    }

    Request Remove(int stream)
    {
        Request found = Find(stream);
        lock (_open) _open.Remove(stream);
        return found;
    }

    void Open(int stream, Request request)
    {
        lock (_open) _open[stream] = request;
        if (_closed) request.Cancel(true);
    }

    List<Request> All() { lock (_open) return new List<Request>(_open.Values); }

    // -- from the port's thread ----------------------------------------------

    /// <summary>A cancel is the next thing in the worker's queue for this stream.</summary>
    public void Foresee(int stream)
    {
        Request request = Find(stream);
        if (request != null) request.Foresee();
    }

    /// <summary>The session is over; Close follows in the worker's order.</summary>
    public void InterruptAll()
    {
        _closed = true;
        foreach (Request request in All()) request.Cancel(true);
    }

    // -- in the worker -------------------------------------------------------

    /// <summary>Nothing unfinished stays, but for what can be resumed.</summary>
    public void Close()
    {
        InterruptAll();
        foreach (Request request in All())
        {
            Upload upload = request as Upload;
            if (upload != null && upload.State == UploadState.Receiving) upload.Close(false);   // a finisher closes its own
        }
        lock (_open) _open.Clear();
        _draining.Clear();
    }

    public void Data(int stream, byte[] payload, int length, bool encoded, bool copy)
    {
        Upload upload = Find(stream) as Upload;
        if (upload == null || upload.State >= UploadState.Committing) return;   // draining, ending, or nothing there
        try
        {
            if (upload.State == UploadState.Preparing)
                throw new Refused("bad-request", "data before the answer to a put with resume");
            if (copy) upload.Stream.Copy(payload, length);
            else upload.Stream.Write(payload, length, encoded);
        }
        catch (Exception error) { Fail(stream, error); }
    }

    public void Control(int stream, byte[] payload, int length)
    {
        Fields fields = new Fields();
        string verb;
        try { verb = Texts.Read(payload, length, fields); }
        catch (BadText error)
        {
            Invalid(stream, Encoding.ASCII.GetString(payload, 0, Math.Min(length, 8)), error.Message);
            return;
        }
        if (verb == "cancel") Cancel(stream, fields);
        else if (_draining.ContainsKey(stream))
        {
            if (verb == "commit") _draining.Remove(stream);
        }
        else if (verb == "commit") Commit(stream, fields);
        else Begin(stream, verb, fields);
    }

    public void Unknown(int stream) { Fail(stream, new Refused("unsupported", "frame type unknown")); }

    // -- ends ----------------------------------------------------------------

    void Fail(int stream, Exception error) { Fail(stream, error, true); }

    /// <summary>The final `error` of a stream. `drain`: if its put is still being sent, the rest of it is dropped until
    /// commit or cancel.</summary>
    void Fail(int stream, Exception error, bool drain)
    {
        Refused refused = ToRefused(error);
        Upload upload = Find(stream) as Upload;
        if (upload != null)
        {
            if (drain && upload.State < UploadState.Committing) _draining[stream] = true;
            bool isWithFinisher = upload.State == UploadState.Preparing || upload.State == UploadState.Committing;
            if (isWithFinisher) upload.Cancel(false);
            else End(upload, refused);
        }
        Remove(stream);
        Answer(stream, refused);
    }

    static Refused ToRefused(Exception error)
    {
        Refused refused = error as Refused;
        SystemError system = error as SystemError;
        if (system != null) refused = system.Refuse(null);
        if (refused != null) return refused;
        Log.Defect(error);
        return new Refused("internal", error.GetType().Name + ": " + error.Message);
    }

    static void End(Upload upload, Refused why)
    {
        if (why.Path == null) why.Path = upload.Place.Path;
        upload.Close(IsFailure(why));
    }

    /// <summary>What was only cancelled may be gone on from.</summary>
    static bool IsFailure(Exception error)
    {
        Refused refused = error as Refused;
        return error != null && (refused == null || refused.Code != "cancelled");
    }

    static Refused Cancelled() { return new Refused("cancelled", "cancelled"); }

    void Answer(int stream, Refused refused)
    {
        Log.Info(refused.Code + (refused.Path == null ? "" : " " + refused.Path) + ": " + refused.Message);
        _reply(stream, "error", refused.ToFields());
    }

    void Done(int stream, Fields fields)
    {
        Remove(stream);
        _reply(stream, "done", fields);
    }

    void Invalid(int stream, string head, string message)
    {
        string verb = head.IndexOf('\n') > 0 ? head.Split('\n')[0] : "";
        bool ends = verb == "commit" || verb == "cancel";
        if (_draining.ContainsKey(stream))
        {
            if (ends) _draining.Remove(stream);
            return;
        }
        bool drain = Sends(verb) && Find(stream) == null;
        Fail(stream, new Refused("bad-request", message), !ends);
        if (drain) _draining[stream] = true;
    }

    // -- begin ---------------------------------------------------------------

    void Begin(int stream, string verb, Fields fields)
    {
        try
        {
            if (stream == 0) throw new Refused("bad-request", "stream 0");
            if (Find(stream) != null) throw new Refused("bad-request", verb + " on a stream in use");
            if (OpenCount() >= Wire.Streams)
                throw new Refused("too-many", "more than " + Wire.Streams + " requests at once");
            Perform(stream, verb, fields);
        }
        catch (Exception error)
        {
            bool drain = Sends(verb) && Find(stream) == null;
            Fail(stream, error);
            if (drain && stream != 0) _draining[stream] = true;
        }
    }

    /// <summary>Verbs that DATA and `commit` follow.</summary>
    static bool Sends(string verb) { return verb == "put" || verb == "bundle" || verb == "compare"; }

    int OpenCount() { lock (_open) return _open.Count + _draining.Count; }

    static readonly string[] Verbs = { "stat", "put", "bundle", "compare", "mkdir", "symlink", "attributes", "signature",
                                       "join" };

    void Perform(int stream, string verb, Fields fields)
    {
        if (Array.IndexOf(Verbs, verb) < 0) throw new Refused("unsupported", "verb " + verb + " is unknown");
        if (verb == "join") { JoinSession(stream, fields); return; }
        byte[] path = fields["path"];
        if (_readOnly && verb != "stat" && verb != "signature")
            throw new Refused("read-only", "the receiver is in read-only mode",
                              path == null ? null : Encoding.UTF8.GetString(path));
        if (path == null) throw new Refused("bad-request", "path is missing");
        switch (verb)
        {
            case "stat": Stat(stream, fields, path); break;
            case "put": BeginPut(stream, fields, path); break;
            case "bundle":
            case "compare": BeginBundle(stream, fields, path, verb == "compare"); break;
            case "mkdir": MakeDirectory(stream, fields, path); break;
            case "symlink": MakeLink(stream, fields, path); break;
            case "attributes": SetAttributes(stream, fields, path); break;
            default: BeginSignature(stream, fields, path); break;
        }
    }

    void JoinSession(int stream, Fields fields)
    {
        _join(Arguments.Session(fields));
        Done(stream, new Fields());
    }

    void Cancel(int stream, Fields fields)
    {
        if (_draining.Remove(stream)) return;
        Request request = Find(stream);
        if (request == null) return;
        request.Cancel(fields.Yes("keep"));
        Upload upload = request as Upload;
        // else its finisher answers
        if (upload != null && upload.State == UploadState.Receiving) Fail(stream, Cancelled(), false);
    }

    // -- put -----------------------------------------------------------------

    void BeginPut(int stream, Fields fields, byte[] path)
    {
        Location place = _root.Locate(path, false);
        Put put;
        try { put = new Put(place, fields); }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
        string skipped;
        try
        {
            skipped = put.Begin();
            if (place.Name.Length == 0 && !put.IsDevice && skipped == null)
                throw new Refused("is-directory", "the destination is a directory", place.Path);
        }
        catch (Refused)
        {
            put.Close(true);
            throw;
        }
        if (skipped != null)
        {
            put.Close(false);
            _draining[stream] = true;
            Done(stream, new Fields().Add("path", put.Place.Path).Add("skipped", skipped));
            return;
        }
        if (!put.IsDevice) SweepOnce(put.Place.Directory);
        if (!put.Resumes) Prepare(stream, put);
        else
        {
            // hashing what is there may take long: the host waits for the answer
            put.State = UploadState.Preparing;
            Open(stream, put);
            _worker.SubmitLong(delegate { PrepareLong(stream, put); });
        }
    }

    void Prepare(int stream, Put put)
    {
        try { put.Prepare(); }
        catch (Refused)
        {
            put.Close(true);
            throw;
        }
        put.State = UploadState.Receiving;
        Open(stream, put);
        _reply(stream, "accept", put.Accepted());
    }

    void PrepareLong(int stream, Put put)
    {
        Exception failed = null;
        try { put.Prepare(); }
        catch (Exception error) { failed = error; }
        // the rest in the worker, in the order of the frames
        _worker.Submit(delegate { Prepared(stream, put, failed); });
    }

    void Prepared(int stream, Put put, Exception failed)
    {
        if (_closed || Find(stream) != put)
        {
            put.Close(false);               // answered or dropped in the meantime
            return;
        }
        put.State = UploadState.Receiving;  // the worker's again
        bool cancelled = put.IsCancelled;
        if (failed != null || cancelled) Fail(stream, failed ?? Cancelled(), !cancelled);
        else _reply(stream, "accept", put.Accepted());
    }

    /// <summary>Once per directory and session: listing costs. A finisher may call it, too.</summary>
    void SweepOnce(string directory)
    {
        lock (_swept)
        {
            if (_swept.ContainsKey(directory)) return;
            if (_swept.Count >= Wire.SweptMax) _swept.Clear();
            _swept[directory] = true;
        }
        Names.Sweep(directory);
    }

    void Commit(int stream, Fields fields)
    {
        Upload upload = Find(stream) as Upload;
        try
        {
            if (upload == null || upload.State >= UploadState.Committing)
                throw new Refused("bad-request", "commit without a put");
            if (upload.State == UploadState.Preparing)
                throw new Refused("bad-request", "commit before the answer to a put with resume");
            long size = Arguments.Number(fields, "size", true);
            upload.Stream.Check(size, Arguments.Sha256(fields));
            upload.BeginFinishing();
        }
        catch (Refused error)
        {
            Fail(stream, error, false);
            return;
        }
        upload.State = UploadState.Committing;
        Put put = upload as Put;
        if (put == null) FinishInTurn(stream, upload);
        else if (put.IsDevice) Finish(stream, put);      // nothing to flush: no need for another thread
        else _worker.SubmitLong(delegate { Finish(stream, put); });
    }

    void Finish(int stream, Upload upload)
    {
        Exception failed = null;
        try { upload.Finish(); }
        catch (Exception error) { failed = error; }
        upload.Close(IsFailure(failed));
        if (_closed || Find(stream) != upload) return;  // refused since
        if (failed != null) Fail(stream, failed, false);
        else Done(stream, upload.Answer());
    }

    // -- bundle --------------------------------------------------------------

    void BeginBundle(int stream, Fields fields, byte[] path, bool compares)
    {
        if (path.Length == 0) throw new Refused("bad-request", "empty path");
        byte[] inside = new byte[path.Length + 1];
        Buffer.BlockCopy(path, 0, inside, 0, path.Length);
        inside[path.Length] = (byte)'/';    // what is no directory is none of ours
        Location place = _root.Locate(inside, false);
        Bundle bundle;
        try { bundle = new Bundle(place, fields, compares, SweepOnce); }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
        bundle.State = UploadState.Receiving;
        Open(stream, bundle);
        _reply(stream, "accept", new Fields().Add("path", place.Path));
    }

    /// <summary>One at a time: more would only take the disk from each other,
    /// and the other finishers from who needs them.</summary>
    void FinishInTurn(int stream, Upload bundle)
    {
        _bundles.Enqueue(delegate
        {
            try { Finish(stream, bundle); }
            finally { _worker.Submit(Written); }
        });
        if (_bundles.Count == 1) _worker.SubmitLong(_bundles.Peek());
    }

    void Written()
    {
        _bundles.Dequeue();
        if (_bundles.Count > 0) _worker.SubmitLong(_bundles.Peek());
    }

    // -- stat ----------------------------------------------------------------

    void Stat(int stream, Fields fields, byte[] path)
    {
        string wanted = fields.Ascii("hash");
        if (wanted != null && wanted != "sha256") throw new Refused("unsupported", "hash unknown");
        Location place;
        try { place = _root.Locate(path, fields.Ascii("follow") != "0"); }
        catch (Refused error)
        {
            if (error.Code != "no-directory") throw;
            Done(stream, new Fields().Add("type", "none").Add("path", _root.Absolute(path)));
            return;
        }
        bool kept = false;
        try
        {
            Facts found = place.Look();
            Fields made = Describe(place, found);
            if (wanted == null || found == null || found.Kind != "file")
            {
                Done(stream, made);
                return;
            }
            kept = true;
            Open(stream, new Request());
            _worker.SubmitLong(delegate { Hash(stream, place, made); });
        }
        finally { if (!kept) place.Dispose(); }
    }

    Fields Describe(Location place, Facts found)
    {
        Platform platform = Platform.Current;
        Fields made = new Fields().Add("type", found == null ? "none" : found.Kind).Add("path", place.Path);
        if (found != null)
        {
            if (found.Kind == "file") made.Add("size", found.Size);
            if (found.Mtime != 0) made.Add("mtime", Arguments.TimeText(found.Mtime));
            if (found.Mode >= 0) made.Add("mode", Convert.ToString(found.Mode, 8));
            if (found.Kind == "symlink")
            {
                try { made.Add("target", platform.ReadLink(place.Path)); }
                catch (SystemError) { }     // gone since: the rest is still what was asked
            }
        }
        bool inside = found != null && found.Kind == "directory";
        long free = place.Directory.Length == 0 ? -1 : platform.FreeBytes(inside ? place.Path : place.Directory);
        if (free >= 0) made.Add("free", free);
        return made;
    }

    void Hash(int stream, Location place, Fields made)
    {
        try
        {
            using (place) made.Add("sha256", HashFile(place.Path));
        }
        catch (Exception error)
        {
            if (!_closed) Fail(stream, error);
            return;
        }
        if (!_closed) Done(stream, made);
    }

    string HashFile(string path)
    {
        OpenFile file = OpenRegular(path);
        try
        {
            Sha256 hash = new Sha256();
            byte[] buffer = new byte[Wire.Chunk];
            int count;
            while (!_closed && (count = file.Read(buffer, 0, buffer.Length)) > 0) hash.Add(buffer, 0, count);
            return hash.FinishHex();
        }
        catch (SystemError error) { throw error.RefuseWrite(path); }
        finally { file.Close(); }
    }

    static OpenFile OpenRegular(string path)
    {
        OpenFile file;
        try { file = Platform.Current.Open(path, false); }
        catch (SystemError error) { throw error.Refuse(path); }
        if (file.Look().Kind == "file") return file;
        file.Close();
        throw new Refused("is-special", "no longer a regular file", path);
    }

    // -- signature (section 6) -----------------------------------------------

    void BeginSignature(int stream, Fields fields, byte[] path)
    {
        long block = Arguments.Number(fields, "block", true);
        if (block < Wire.BlockMin || block > Wire.BlockMax) throw new Refused("bad-request", "block is out of range");
        using (Location place = _root.Locate(path, false))
        {
            Facts found = place.Look();
            if (found == null) throw new Refused("not-found", "there is no such file", place.Path, "ENOENT", null);
            if (found.Kind != "file")
            {
                string kind = found.Kind == "device" ? "special" : found.Kind;
                throw new Refused("is-" + kind, "no regular file", place.Path);
            }
            OpenFile file = OpenRegular(place.Path);
            found = file.Look();
            if ((found.Size + block - 1) / block > Wire.BlocksMax)
            {
                file.Close();
                throw new Refused("bad-request", "more than " + Wire.BlocksMax + " blocks", place.Path);
            }
            string name = place.Path;
            Request request = new Request();
            Open(stream, request);
            _reply(stream, "accept", new Fields().Add("path", name).Add("size", found.Size).Add("block", block));
            _worker.SubmitLong(delegate { Sign(stream, request, file, found, (int)block, name); });
        }
    }

    void Sign(int stream, Request request, OpenFile file, Facts found, int block, string path)
    {
        string digest;
        try { digest = Sign(stream, request, file, found.Size, block, path); }
        catch (Exception error)
        {
            SystemError system = error as SystemError;
            if (!_closed) Fail(stream, system == null ? error : system.RefuseWrite(path));
            return;
        }
        finally { file.Close(); }
        if (_closed) return;
        Done(stream, new Fields().Add("path", path).Add("size", found.Size)
             .Add("mtime", Arguments.TimeText(found.Mtime)).Add("sha256", digest));
    }

    string Sign(int stream, Request request, OpenFile file, long size, int block, string path)
    {
        Sha256 whole = new Sha256();
        byte[] buffer = new byte[Wire.Chunk];
        int perFrame = Math.Max(1, (_frame - 8) / 12);
        MemoryStream entries = new MemoryStream();
        long sent = 0;
        for (long at = 0; at < size; at += block)
        {
            AddEntry(entries, request, file, whole, buffer, Math.Min(block, size - at), path);
            if (entries.Length < 12 * perFrame && at + block < size) continue;
            if (!SendEntries(stream, entries, sent) || request.IsCancelled) break;
            sent += entries.Length;
            entries.SetLength(0);
        }
        if (request.IsCancelled) throw new Refused("cancelled", "cancelled", path);
        return whole.FinishHex();
    }

    static void AddEntry(MemoryStream entries, Request request, OpenFile file, Sha256 whole, byte[] buffer, long length,
                         string path)
    {
        Sha256 strong = new Sha256();
        uint weak = 1;
        while (length > 0 && !request.IsCancelled)
        {
            int count = file.Read(buffer, 0, (int)Math.Min(buffer.Length, length));
            if (count <= 0) throw new Refused("basis-changed", "the file became shorter", path);
            whole.Add(buffer, 0, count);
            strong.Add(buffer, 0, count);
            weak = Adler32.Add(weak, buffer, 0, count);
            length -= count;
        }
        byte[] entry = new byte[4];
        Bytes.PutU32(entry, 0, weak);
        entries.Write(entry, 0, 4);
        entries.Write(strong.Finish(), 0, 8);
    }

    bool SendEntries(int stream, MemoryStream entries, long offset)
    {
        byte[] payload = new byte[8 + entries.Length];
        Bytes.PutU64(payload, 0, (ulong)offset);
        Buffer.BlockCopy(entries.ToArray(), 0, payload, 8, (int)entries.Length);
        return _sendData(stream, payload);
    }

    // -- the others ----------------------------------------------------------

    static byte[] WithoutSlashes(byte[] path)
    {
        int length = path.Length;
        while (length > 1 && (path[length - 1] == '/' || path[length - 1] == Platform.Current.Separator)) length--;
        byte[] made = new byte[length];
        Buffer.BlockCopy(path, 0, made, 0, length);
        return made;
    }

    void MakeDirectory(int stream, Fields fields, byte[] path)
    {
        int mode = Arguments.Mode(fields);
        path = WithoutSlashes(path);
        using (Location place = _root.Locate(path, false))
        {
            bool made;
            try
            {
                made = place.Name.Length > 0 && Platform.Current.MakeDirectory(place.Path);
                if (made && mode >= 0) Platform.Current.SetAttributes(place.Path, mode, false, 0);
            }
            catch (SystemError error) { throw error.Refuse(place.Path); }
            Fields answer = new Fields().Add("path", place.Path);
            if (!made)
            {
                using (Location target = _root.Locate(path, true))
                {
                    Facts found = target.Look();
                    if (found == null || found.Kind != "directory")
                        throw new Refused("not-a-directory", "the name exists and is no directory", place.Path, "EEXIST", null);
                }
                answer.Add("existed", 1);
            }
            Done(stream, answer);
        }
    }

    void MakeLink(int stream, Fields fields, byte[] path)
    {
        string conflict = Arguments.Conflict(fields);
        byte[] raw = fields["target"];
        if (raw == null || raw.Length == 0 || Array.IndexOf(raw, (byte)0) >= 0)
            throw new Refused("bad-request", "target is missing or invalid");
        string target = Encoding.UTF8.GetString(raw);
        using (Location place = _root.Locate(WithoutSlashes(path), false))
        {
            try
            {
                string name = place.Name;
                Facts found = place.Look();
                string skipped = found == null ? null : SettleLink(place, found, target, conflict);
                if (found != null && skipped == null && conflict == "rename") name = Names.Free(place);
                Fields answer = new Fields().Add("path", place.Beside(name));
                if (skipped != null) answer.Add("skipped", skipped);
                else if (found == null || conflict == "rename") Platform.Current.MakeLink(target, place.Beside(name));
                else ReplaceByLink(place, target);
                Done(stream, answer);
            }
            catch (SystemError error)
            {
                if (error.Code == "exists") throw Destination.Exists(place.Look(), place.Path);
                throw error.Refuse(place.Path);
            }
        }
    }

    static void ReplaceByLink(Location place, string target)
    {
        string path = place.Beside(Names.Temporary());
        Platform.Current.MakeLink(target, path);
        try { Platform.Current.Replace(path, place.Path); }
        catch (SystemError)
        {
            Platform.Current.Delete(path);
            throw;
        }
    }

    static string SettleLink(Location place, Facts found, string target, string conflict)
    {
        if (found.Kind == "symlink" && Platform.Current.ReadLink(place.Path) == target) return "identical";
        if (conflict == "skip") return "exists";
        if (conflict == "rename" && place.Name.Length > 0) return null;
        if (found.Kind != "symlink" && found.Kind != "file")
        {
            string kind = found.Kind == "device" ? "special" : found.Kind;
            throw new Refused("is-" + kind, "the name exists and is a " + kind, place.Path);
        }
        if (conflict == "newer") return "not-newer";
        if (conflict == "fail") throw Destination.Exists(found, place.Path);
        return null;
    }

    void SetAttributes(int stream, Fields fields, byte[] path)
    {
        int mode = Arguments.Mode(fields);
        long mtime;
        bool hasMtime = Arguments.Mtime(fields, out mtime);
        Location place;
        try { place = _root.Locate(path, true); }
        catch (Refused error)
        {
            if (error.Code == "no-directory") error.Code = "not-found";
            throw;
        }
        using (place)
        {
            Facts found = place.Look();
            if (found == null) throw new Refused("not-found", "there is no such file", place.Path, "ENOENT", null);
            if (found.Kind != "file" && found.Kind != "directory")
                throw new Refused(found.Kind == "symlink" ? "is-symlink" : "is-special", "not a file or directory", place.Path);
            try { Platform.Current.SetAttributes(place.Path, mode, hasMtime, mtime); }
            catch (SystemError error) { throw error.Refuse(place.Path); }
            Done(stream, new Fields());
        }
    }
}

// ---------------------------------------------------------------------------
// 15. Worker and finishers
// ---------------------------------------------------------------------------

/// <summary>Runs jobs in order in one thread, and long ones in a few others.</summary>
class Worker
{
    readonly Queue<Job> _jobs = new Queue<Job>();
    readonly Queue<Job> _long = new Queue<Job>();
    readonly List<Thread> _threads = new List<Thread>();
    readonly string _name;
    int _idleFinishers;
    bool _stopping;

    public Worker(string name)
    {
        _name = name;
        Start(Run, "worker");
    }

    void Start(ThreadStart run, string what)
    {
        Thread thread = new Thread(run);
        thread.Name = _name + " " + what;
        thread.IsBackground = true;
        lock (_threads) _threads.Add(thread);
        thread.Start();
    }

    public void Submit(Job job)
    {
        lock (_jobs)
        {
            _jobs.Enqueue(job);
            Monitor.PulseAll(_jobs);
        }
    }

    public void SubmitLong(Job job)
    {
        lock (_long)
        {
            _long.Enqueue(job);
            if (_idleFinishers < _long.Count && _threads.Count <= Wire.Finishers) Start(RunLong, "finisher");
            Monitor.Pulse(_long);
        }
    }

    /// <summary>Lets what was submitted end, but waits no longer than `limit`.</summary>
    public void Stop(double limit)
    {
        lock (_jobs)
        {
            _stopping = true;
            Monitor.PulseAll(_jobs);
        }
        lock (_long) Monitor.PulseAll(_long);
        Thread[] threads;
        lock (_threads) threads = _threads.ToArray();
        foreach (Thread thread in threads) thread.Join((int)(1000 * Math.Max(0, limit - Clock.Now)));
    }

    void Run()
    {
        while (true)
        {
            Job job;
            lock (_jobs)
            {
                while (_jobs.Count == 0)
                {
                    if (_stopping) return;
                    Monitor.Wait(_jobs);
                }
                job = _jobs.Dequeue();
            }
            Guard(job);
        }
    }

    void RunLong()
    {
        while (true)
        {
            Job job;
            lock (_long)
            {
                while (_long.Count == 0)
                {
                    if (_stopping) return;
                    _idleFinishers++;
                    Monitor.Wait(_long);
                    _idleFinishers--;
                }
                job = _long.Dequeue();
            }
            Guard(job);
        }
    }

    /// <summary>A defect must not end the thread.</summary>
    public static void Guard(Job job)
    {
        try { job(); }
        catch (Exception error) { Log.Defect(error); }
    }
}

// ---------------------------------------------------------------------------
// 16. Sessions (section 3). No I/O in here: frames in, bytes out, times given.
//     All of it happens under the endpoint's lock, but for what the worker does
// ---------------------------------------------------------------------------

/// <summary>A frame on its way to the worker. Its payload is in a buffer of the
/// port by which it came.</summary>
class Delivery
{
    public Session By;
    public byte Type;
    public int Stream, Flags;
    public byte[] Payload;
    public int Length;                      // of the payload
    public int Size;                        // of the frame it came in
}

/// <summary>LANE frames of one session (section 6). The readers of several ports
/// bring them, each under the lock of its own port; the session's worker gets
/// them in the order of their numbers.</summary>
class Lanes
{
    readonly object _gate = new object();   // no other is taken within it but those that nothing is taken within
    readonly Worker _worker;
    readonly long _limit;
    readonly Dictionary<long, Delivery> _waiting = new Dictionary<long, Delivery>();
    readonly List<Session> _joined = new List<Session>();
    long _next;                             // number of the frame to be acted on next
    long _bytesWaiting, _bytesAtWorker;

    public readonly Session Main;

    public Lanes(Session main, Endpoint endpoint)
    {
        Main = main;
        _worker = endpoint.Worker;
        _limit = Wire.LaneWindows * (long)endpoint.Window;
    }

    public bool Used { get { lock (_gate) return _next > 0 || _waiting.Count > 0 || _joined.Count > 0; } }

    public void Admit(Session lane)
    {
        lock (_gate)
        {
            if (Main.Dead) throw new Refused("not-found", "the session has ended");
            if (_joined.Count >= Wire.LanesMax)
                throw new Refused("too-many", "the session has " + Wire.LanesMax + " lanes");
            _joined.Add(lane);
        }
    }

    /// <summary>What the lane has brought stays: it was acknowledged. When the
    /// main session leaves nothing does.</summary>
    public void Leave(Session lane)
    {
        List<Delivery> dropped = new List<Delivery>();
        lock (_gate)
        {
            _joined.Remove(lane);
            if (lane != Main) return;
            dropped.AddRange(_waiting.Values);
            _waiting.Clear();
            _bytesWaiting = 0;
        }
        // not here: we are under the lock of one port, and two could wait for each other's
        foreach (Delivery one in dropped) one.By.GiveBackLater(one);
    }

    /// <summary>Windows bound what waits; lanes that come and go could get around
    /// them. What is needed next is not held up by what is not.</summary>
    public bool HasRoomFor(uint number)
    {
        lock (_gate) return (number == _next ? _bytesAtWorker : _bytesWaiting) <= _limit;
    }

    /// <summary>False if it has come already, or there is no use for it any more.</summary>
    public bool Take(uint number, Delivery one)
    {
        lock (_gate)
        {
            if (number < _next || _waiting.ContainsKey(number) || Main.Dead) return false;
            _waiting[number] = one;
            _bytesWaiting += one.Size;
            // within the lock, or two ports could pass each other
            while (_waiting.TryGetValue(_next, out one)) HandOver(one);
            return true;
        }
    }

    void HandOver(Delivery one)
    {
        _waiting.Remove(_next++);
        _bytesWaiting -= one.Size;
        _bytesAtWorker += one.Size;
        Main.Announce(one);
        _worker.Submit(delegate
        {
            try { Main.Perform(one); }
            finally { lock (_gate) _bytesAtWorker -= one.Size; }
        });
    }
}

class Session
{
    const int DataUnderWay = 8;             // frames of a signature that may wait for the line

    readonly Endpoint _endpoint;
    readonly Dictionary<int, int> _controls = new Dictionary<int, int>();  // CONTROL frames the worker has yet to see, by stream
    public readonly uint Number, Nonce;
    public readonly byte[] Welcome;
    public readonly ReliableReader Reader;
    public readonly ReliableSender Sender;
    public readonly Requests Requests;
    public double Heard;
    public volatile bool Dead;
    volatile Lanes _lanes;

    public Session(uint number, uint nonce, byte[] welcome, Endpoint endpoint, long window, int hostFrame)
    {
        _endpoint = endpoint;
        Number = number;
        Nonce = nonce;
        Welcome = welcome;
        Reader = new ReliableReader(endpoint.Window, endpoint.Frame);
        Sender = new ReliableSender(number, window);
        _lanes = new Lanes(this, endpoint);
        Requests = new Requests(endpoint.Config.Root, endpoint.Config.ReadOnly, Math.Min(hostFrame, endpoint.Frame),
                                endpoint.Worker, Reply, SendData, Join);
    }

    /// <summary>After `join` those of the main session.</summary>
    public Lanes Lanes { get { return _lanes; } }

    void Join(uint number)
    {
        Config config = _endpoint.Config;
        lock (config.Joining)
        {
            Session main = config.Find(number);
            if (main == null || main == this || main.Lanes.Main != main)
                throw new Refused("not-found", "no session of that number");
            if (_lanes.Main != this || _lanes.Used) throw new Refused("bad-request", "a lane already, or one that has lanes");
            main.Lanes.Admit(this);
            _lanes = main.Lanes;
        }
        if (Dead) _lanes.Leave(this);       // behind the admission: Drop may have come before it
    }

    void Reply(int stream, string verb, Fields fields)
    {
        byte[] payload = Texts.WriteReply(verb, fields);
        lock (_endpoint.Gate)
        {
            Sender.Add(Wire.Control, stream, payload, Clock.Now);
            Monitor.PulseAll(_endpoint.Gate);
        }
    }

    bool SendData(int stream, byte[] payload)
    {
        lock (_endpoint.Gate)
        {
            while (Sender.Count >= DataUnderWay && !Dead) Monitor.Wait(_endpoint.Gate);
            if (Dead) return false;
            Sender.Add(Wire.Data, stream, payload, Clock.Now);
            Monitor.PulseAll(_endpoint.Gate);
        }
        return true;
    }

    /// <summary>Hands a frame that was taken to the worker.</summary>
    public void Submit(Frame frame)
    {
        Delivery one = Receive(frame, frame.Type, 0);
        Announce(one);
        _endpoint.Worker.Submit(delegate { Perform(one); });
    }

    /// <summary>The same for a LANE frame, which may have to wait.</summary>
    public void SubmitLane(Frame frame)
    {
        Delivery one = Receive(frame, frame.Data[frame.Offset + 4], Wire.LaneHead);
        if (!_lanes.Take(Bytes.U32(frame.Data, frame.Offset), one)) GiveBack(one);
    }

    Delivery Receive(Frame frame, byte type, int skipped)
    {
        Delivery one = new Delivery();
        one.By = this;
        one.Type = type;
        one.Stream = frame.Stream;
        one.Flags = frame.Flags;
        one.Length = frame.Length - skipped;
        one.Size = frame.Length + Wire.Overhead;
        one.Payload = _endpoint.Buffers.Take(one.Length);
        Buffer.BlockCopy(frame.Data, frame.Offset + skipped, one.Payload, 0, one.Length);
        return one;
    }

    /// <summary>A `cancel` that is the next thing for its stream is told at once.</summary>
    public void Announce(Delivery one)
    {
        if (one.Type != Wire.Control) return;
        int waiting;
        lock (_controls)
        {
            _controls.TryGetValue(one.Stream, out waiting);
            _controls[one.Stream] = waiting + 1;
        }
        if (waiting == 0 && IsCancel(one)) Requests.Foresee(one.Stream);
    }

    static bool IsCancel(Delivery one)
    {
        return one.Length >= 7 && Encoding.ASCII.GetString(one.Payload, 0, 7) == "cancel\n";
    }

    /// <summary>In the worker; what came by another port is given back there.</summary>
    public void Perform(Delivery one)
    {
        try { if (!Dead) Act(one); }
        finally
        {
            if (one.Type == Wire.Control) Performed(one.Stream);
            one.By.GiveBack(one);
        }
    }

    void Act(Delivery one)
    {
        if (one.Type == Wire.Data) Requests.Data(one.Stream, one.Payload, one.Length, (one.Flags & Wire.FlagEncoded) != 0, false);
        else if (one.Type == Wire.Copy) Requests.Data(one.Stream, one.Payload, one.Length, false, true);
        else if (one.Type == Wire.Control) Requests.Control(one.Stream, one.Payload, one.Length);
        else Requests.Unknown(one.Stream);
    }

    void Performed(int stream)
    {
        lock (_controls) if (--_controls[stream] == 0) _controls.Remove(stream);
    }

    void GiveBack(Delivery one)
    {
        lock (_endpoint.Gate)
        {
            _endpoint.Buffers.Give(one.Payload);
            Reader.GiveBack(one.Size);
            if (Reader.RoomGrew) Monitor.PulseAll(_endpoint.Gate);
        }
    }

    public void GiveBackLater(Delivery one) { _endpoint.Worker.Submit(delegate { GiveBack(one); }); }
}

/// <summary>Payloads on their way to the worker, used again. Under the
/// endpoint's lock; as many as the window lets be under way.</summary>
class Buffers
{
    const int Small = 1024;                 // not worth keeping
    readonly Stack<byte[]> _free = new Stack<byte[]>();
    readonly int _size;

    public Buffers(int size) { _size = size; }

    public byte[] Take(int length)
    {
        if (length <= Small) return new byte[length];
        return _free.Count > 0 ? _free.Pop() : new byte[_size];
    }

    public void Give(byte[] buffer)
    {
        if (buffer.Length == _size && _free.Count < 32) _free.Push(buffer);
    }
}

/// <summary>What all ports have in common.</summary>
class Config
{
    public Root Root;
    public bool ReadOnly;
    public double SessionS = Wire.SessionS;
    public string User = Environment.UserName;
    public string Capabilities = Platform.Current.Capabilities + ",deflate,delta,resume,unchanged,bundle";
    public readonly object Joining = new object();
    readonly Dictionary<uint, Session> _sessions = new Dictionary<uint, Session>();     // the active ones that may have lanes

    public void Enter(Session session) { lock (_sessions) _sessions[session.Number] = session; }

    public void Leave(Session session) { lock (_sessions) _sessions.Remove(session.Number); }

    /// <summary>Null if there is none.</summary>
    public Session Find(uint number)
    {
        Session found;
        lock (_sessions) return _sessions.TryGetValue(number, out found) ? found : null;
    }
}

/// <summary>The receiver's end of one port.</summary>
class Endpoint
{
    public readonly object Gate = new object();
    public readonly Config Config;
    public readonly Worker Worker;
    public readonly int Frame, Window;
    public readonly Buffers Buffers;
    readonly string _port, _device;
    readonly List<Session> _pending = new List<Session>();
    readonly List<byte[]> _out = new List<byte[]>();
    Session _active;
    int _outBytes;
    double _unknownAt = -Wire.UnknownS;

    public Endpoint(Config config, string port, string device, Worker worker)
    {
        Config = config;
        Worker = worker;
        _port = port;
        _device = device;
        Wire.Limits(device, out Frame, out Window);
        Buffers = new Buffers(Math.Max(Frame, Wire.FrameMin));
    }

    bool HasLanes { get { return Wire.HasLanes(Frame); } }

    /// <summary>The largest payload that is taken.</summary>
    public int Largest { get { return HasLanes ? Wire.FrameMin + Wire.LaneHead : Frame; } }

    // -- frames in -----------------------------------------------------------

    public void Handle(Frame frame, double now)
    {
        if (frame.Type == Wire.Hello) { Hello(frame, now); return; }
        if (frame.Type == Wire.Welcome) return;
        Session session = SessionOf(frame);
        if (session == null) { Unknown(frame, now); return; }
        session.Heard = now;
        if ((frame.Type & Wire.Reliable) != 0) Reliable(session, frame);
        else if (frame.Type == Wire.Ack) Ack(session, frame, now);
        else if (frame.Type == Wire.Ping) Ping(session, frame);
        else if (frame.Type == Wire.Pong) Pong(session, frame, now);
        else if (frame.Type == Wire.Reset)
        {
            Log.Info(_port + ": the host ended the session");
            Drop(session);
        }
    }

    Session SessionOf(Frame frame)
    {
        if (_active != null && _active.Number == frame.Session) return _active;
        Session session = _pending.Find(delegate(Session one) { return one.Number == frame.Session; });
        if (session == null) return null;
        if (frame.Type == Wire.Reset) { Drop(session); return session; }
        _pending.Remove(session);
        if (_active != null)
        {
            Log.Info(_port + ": a new session replaces the old one");
            Drop(_active);
        }
        Log.Info(_port + ": session begins");
        _active = session;
        if (HasLanes) Config.Enter(session);
        return session;
    }

    void Unknown(Frame frame, double now)
    {
        if (frame.Type == Wire.Reset || now - _unknownAt < Wire.UnknownS) return;
        _unknownAt = now;
        SendReset(frame.Session, new Fields().Add("code", "unknown-session"));
    }

    void SendReset(uint session, Fields fields) { Emit(Wire.Reset, session, Texts.Write("reset", fields)); }

    /// <summary>Unreliable frames are left out when the line takes nothing.</summary>
    void Emit(byte type, uint session, byte[] payload)
    {
        if (_outBytes <= Wire.OutMax) Put(Guestwire.Frame.Encode(type, 0, 0, session, 0, payload));
    }

    void Put(byte[] data)
    {
        _out.Add(data);
        _outBytes += data.Length;
    }

    void Reliable(Session session, Frame frame)
    {
        bool lane = frame.Type == Wire.Lane && HasLanes;
        Session answers = lane ? session.Lanes.Main : session;
        if (answers.Sender.Count > Wire.RepliesMax) return;     // a host that takes no answers gets no further
        if (lane) Lane(session, frame);
        else if (Offer(session, frame)) session.Submit(frame);
    }

    static bool Offer(Session session, Frame frame)
    {
        return session.Reader.Offer(frame.Sequence, frame.Length + Wire.Overhead, (frame.Flags & Wire.FlagAsk) != 0);
    }

    void Lane(Session session, Frame frame)
    {
        if (frame.Length < Wire.LaneHead) ProtocolError(session, "sent a LANE frame without a number");
        else if (session.Lanes.HasRoomFor(Bytes.U32(frame.Data, frame.Offset)) && Offer(session, frame))
            session.SubmitLane(frame);
    }

    void ProtocolError(Session session, string what)
    {
        Log.Warning(_port + ": the host " + what);
        SendReset(session.Number, new Fields().Add("code", "protocol"));
        Drop(session);
    }

    void Ack(Session session, Frame frame, double now)
    {
        if (frame.Length < 8) return;
        if (Acknowledge(session, frame, 0, now) && (frame.Flags & Wire.FlagGap) != 0) session.Sender.Gap();
    }

    bool Acknowledge(Session session, Frame frame, int at, double now)
    {
        uint upto = Bytes.U32(frame.Data, frame.Offset + at), window = Bytes.U32(frame.Data, frame.Offset + at + 4);
        int before = session.Sender.Count;
        bool possible = session.Sender.Acknowledged(upto, window, now);
        if (session.Sender.Count < before) Monitor.PulseAll(Gate);      // a signature may go on
        if (!possible) ProtocolError(session, "acknowledged what was never sent");
        return possible;
    }

    void Ping(Session session, Frame frame)
    {
        if (frame.Length < 4) return;
        byte[] body = new byte[12];
        Buffer.BlockCopy(frame.Data, frame.Offset, body, 0, 4);
        session.Reader.Tell(body, 4);
        Emit(Wire.Pong, session.Number, body);
    }

    void Pong(Session session, Frame frame, double now)
    {
        if (frame.Length < 12 || !Acknowledge(session, frame, 4, now)) return;
        session.Sender.Pong(Bytes.U32(frame.Data, frame.Offset), Bytes.U32(frame.Data, frame.Offset + 4));
    }

    // -- HELLO ---------------------------------------------------------------

    void Hello(Frame frame, double now)
    {
        foreach (Session session in Sessions())
        {
            if (session.Nonce != frame.Session) continue;
            if (session != _active) session.Heard = now;
            if (_outBytes <= Wire.OutMax) Put(session.Welcome);
            return;
        }
        Fields fields = new Fields();
        int low, high;
        long window, hostFrame;
        try
        {
            if (Texts.Read(frame.Payload(), frame.Length, fields) != "hello" || !Versions(fields, out low, out high)) return;
            window = Arguments.Number(fields, "window", false);
            hostFrame = Arguments.Number(fields, "frame", false);
        }
        catch (BadText) { return; }         // outside a session: silence
        catch (Refused) { return; }
        if (low > Wire.ProtocolHigh || high < Wire.ProtocolLow) RefuseVersion(frame.Session, low, high);
        else Greet(frame.Session, Math.Min(high, Wire.ProtocolHigh), window, hostFrame, now);
    }

    static bool Versions(Fields fields, out int low, out int high)
    {
        low = high = 0;
        string[] parts = (fields.Ascii("protocol") ?? "").Split('-');
        if (parts.Length != 2 || parts[0].Length > 4 || parts[1].Length > 4) return false;
        foreach (char c in parts[0] + parts[1]) if (c < '0' || c > '9') return false;
        return int.TryParse(parts[0], out low) && int.TryParse(parts[1], out high);
    }

    void RefuseVersion(uint nonce, int low, int high)
    {
        string own = Wire.ProtocolLow + "-" + Wire.ProtocolHigh;
        Log.Warning(_port + ": a host speaks protocol " + low + "-" + high + ", this receiver " + own);
        SendReset(nonce, new Fields().Add("code", "version").Add("protocol", own)
                  .Add("message", "this receiver speaks protocol version " + own + " only"));
    }

    void Greet(uint nonce, int version, long window, long hostFrame, double now)
    {
        uint number = NewNumber();
        byte[] welcome = Guestwire.Frame.Encode(Wire.Welcome, 0, 0, nonce, 0, WelcomeText(number, version));
        int frame = hostFrame < 0 ? Wire.FrameMin : (int)Math.Min(hostFrame, Frame);
        Session session = new Session(number, nonce, welcome, this,
                                      Math.Min(window < 0 ? Wire.FrameMin : window, Wire.WindowMax), Math.Max(frame, 64));
        session.Heard = now;
        _pending.Add(session);
        while (_pending.Count > Wire.PendingMax) Drop(_pending[0]);
        if (_outBytes <= Wire.OutMax) Put(welcome);
    }

    uint NewNumber()
    {
        byte[] random = new byte[4];
        while (true)
        {
            RandomNumberGenerator.Create().GetBytes(random);
            uint number = Bytes.U32(random, 0);
            bool taken = Config.Find(number) != null
                || Sessions().Exists(delegate(Session one) { return one.Number == number; });
            if (number != 0 && !taken) return number;
        }
    }

    byte[] WelcomeText(uint number, int version)
    {
        Platform platform = Platform.Current;
        Fields fields = new Fields().Add("protocol", version).Add("session", number.ToString("x8"))
            .Add("agent", "receiver.ps1/" + Wire.Version).Add("system", platform.System)
            .Add("separator", platform.Separator.ToString()).Add("device", _device).Add("port", _port)
            .Add("user", Config.User).Add("frame", Frame).Add("window", Window).Add("streams", Wire.Streams)
            .Add("capabilities", Config.Capabilities + (HasLanes ? ",lanes" : ""));
        if (Config.Root.Confined) fields.Add("root", Config.Root.Path);
        if (Config.ReadOnly) fields.Add("read-only", 1);
        return Texts.Write("welcome", fields);
    }

    // -- time and output -----------------------------------------------------

    List<Session> Sessions()
    {
        List<Session> all = new List<Session>(_pending);
        if (_active != null) all.Insert(0, _active);
        return all;
    }

    public void Tick(double now)
    {
        foreach (Session session in Sessions())
        {
            if (now - session.Heard < Config.SessionS) continue;
            Log.Info(_port + ": the host is silent, session dropped");
            Drop(session);
        }
        uint id;
        if (_active == null || !_active.Sender.Probe(now, out id)) return;
        byte[] body = new byte[4];
        Bytes.PutU32(body, 0, id);
        Emit(Wire.Ping, _active.Number, body);
    }

    /// <summary>When Tick is due next.</summary>
    public double Deadline()
    {
        double first = _active == null ? double.MaxValue : _active.Sender.Deadline;
        foreach (Session session in Sessions()) first = Math.Min(first, session.Heard + Config.SessionS);
        return first;
    }

    public bool HasOutput(bool frameBegun)
    {
        return _out.Count > 0 || _active != null && (_active.Reader.IsAckDue(frameBegun) || _active.Sender.CanSend);
    }

    /// <summary>All bytes to be sent now.</summary>
    public byte[] TakeOutput(bool frameBegun)
    {
        if (_active != null)
        {
            if (_active.Reader.IsAckDue(frameBegun))
            {
                int flags = _active.Reader.AckFlags;
                byte[] body = new byte[8];
                _active.Reader.Tell(body, 0);
                Put(Guestwire.Frame.Encode(Wire.Ack, flags, 0, _active.Number, 0, body));
            }
            _active.Sender.Pump(_out);
        }
        int total = 0, at = 0;
        foreach (byte[] part in _out) total += part.Length;
        byte[] data = new byte[total];
        foreach (byte[] part in _out)
        {
            Buffer.BlockCopy(part, 0, data, at, part.Length);
            at += part.Length;
        }
        _out.Clear();
        _outBytes = 0;
        return data;
    }

    /// <summary>Idempotent. What the session has not finished is removed or,
    /// where that was asked, kept to be resumed.</summary>
    void Drop(Session session)
    {
        if (session == _active) _active = null;
        _pending.Remove(session);
        if (session.Dead) return;
        session.Dead = true;
        Config.Leave(session);
        session.Lanes.Leave(session);
        session.Requests.InterruptAll();    // at once for what takes long; the rest in the worker's order
        Monitor.PulseAll(Gate);
        Worker.Submit(session.Requests.Close);
    }

    /// <summary>The receiver stops, or begins anew after a defect: tells the host.</summary>
    public void Close(string code)
    {
        if (_active != null) SendReset(_active.Number, new Fields().Add("code", code));
        foreach (Session session in Sessions()) Drop(session);
    }
}

// ---------------------------------------------------------------------------
// 17. Ports
// ---------------------------------------------------------------------------

/// <summary>Serves one device with two threads: one waits for bytes and handles
/// frames, the other sends, and keeps the time. Neither touches a disk, so a
/// PING is answered in time.</summary>
class Port
{
    const int ReopenMs = 1000;              // between attempts to open a port that vanished
    const double LastWordsS = 0.5;          // a line that takes nothing is given so long at the end

    readonly string _name, _path;
    readonly int _speed;
    readonly Worker _worker;
    readonly Endpoint _endpoint;
    readonly Parser _parser;
    readonly object _gate;
    readonly Thread _reader, _writer;
    Device _device;                         // null while the port is gone; changed by the reader, under the lock
    bool _hung;                             // a channel without a host
    double _heard;                          // when the last bytes came
    bool _watchesIdle;                      // the writer wakes by itself when the line has been idle
    volatile bool _stopping;

    public Port(string name, Config config, int speed)
    {
        _name = name;
        _path = Platform.Current.PortName(name);
        _speed = speed;
        _device = Platform.Current.OpenPort(_path, speed);
        _worker = new Worker(name);
        _endpoint = new Endpoint(config, name, _device.Kind, _worker);
        _parser = new Parser(_endpoint.Largest);
        _gate = _endpoint.Gate;
        _reader = MakeThread(ReadLoop, "reader");
        _writer = MakeThread(WriteLoop, "writer");
    }

    public string Kind { get { return _device.Kind; } }
    public string Name { get { return _name; } }

    Thread MakeThread(ThreadStart run, string what)
    {
        Thread thread = new Thread(run);
        thread.Name = _name + " " + what;
        thread.IsBackground = true;
        return thread;
    }

    public void Start()
    {
        _reader.Start();
        _writer.Start();
    }

    /// <summary>The writer tells the host and ends; see Wait.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _endpoint.Close("bye");
            _stopping = true;
            if (_device != null) _device.Interrupt();
            Monitor.PulseAll(_gate);
        }
    }

    public void Wait(double limit)
    {
        _writer.Join((int)(1000 * Math.Max(0, limit - Clock.Now)));
        _worker.Stop(Math.Min(limit, Clock.Now + 3));
        _reader.Join((int)(1000 * Math.Max(0, Math.Min(limit, Clock.Now + 0.7) - Clock.Now)));
        lock (_gate)
        {
            if (_device != null) _device.Close();
            _device = null;
        }
    }

    // -- bytes in ------------------------------------------------------------

    void ReadLoop()
    {
        while (!_stopping)
        {
            try
            {
                if (_device == null) Reopen();
                else ReadOnce();
            }
            catch (SystemError error) { Lose(error); }
            catch (Exception error)         // a defect: the session is lost, the port goes on
            {
                Log.Defect(error);
                lock (_gate)
                {
                    _endpoint.Close("protocol");
                    _parser.Clear();
                }
                Thread.Sleep(100);          // should it repeat, it must not spin
            }
        }
    }

    void ReadOnce()
    {
        int room, wanted;
        Device device;
        lock (_gate)
        {
            device = _device;
            room = _parser.Space();
            wanted = _parser.Missing;
        }
        if (device == null) return;         // closed meanwhile by Wait
        int count = device.Read(_parser.Data, _parser.End, room, wanted);
        lock (_gate)
        {
            double now = Clock.Now;
            if (count == 0) HangUp();
            else if (count > 0)
            {
                _hung = false;
                _heard = now;
                _parser.Filled(count);
                Dispatch(now);
            }
            _endpoint.Tick(now);
            // on an emulated UART this happens every few bytes: the writer is woken only if it has something to do
            if (_endpoint.HasOutput(_parser.Kept > 0) || _parser.Kept > 0 && !_watchesIdle) Monitor.PulseAll(_gate);
        }
        if (count == 0) device.AwaitHost();
    }

    void Dispatch(double now)
    {
        for (Frame frame = _parser.Next(); frame != null; frame = _parser.Next()) _endpoint.Handle(frame, now);
    }

    void HangUp()
    {
        if (!_hung) Log.Debug(_name + ": no host is connected");
        _hung = true;
        _parser.Clear();
    }

    void Lose(SystemError error)
    {
        if (_stopping) return;
        Log.Warning(_name + ": " + error.Message + "; waiting for it to come back");
        lock (_gate)
        {
            if (_device != null) _device.Close();       // not yet by Wait
            _device = null;
            _parser.Clear();
        }
    }

    void Reopen()
    {
        lock (_gate) if (!_stopping) Monitor.Wait(_gate, 1);
        Thread.Sleep(ReopenMs);
        Device device;
        try { device = Platform.Current.OpenPort(_path, _speed); }
        catch (SystemError error)
        {
            Log.Debug(_name + ": " + error.Message);
            return;
        }
        lock (_gate) _device = device;
        Log.Warning(_name + ": back");
    }

    // -- bytes out, and time -------------------------------------------------

    void WriteLoop()
    {
        while (true)
        {
            byte[] data;
            bool last;
            lock (_gate)
            {
                data = AwaitOutput();
                _watchesIdle = false;
                last = _stopping;
            }
            double limit = last ? Clock.Now + LastWordsS : double.MaxValue;
            Device device = _device;
            if (device != null && !_hung)
            {
                try
                {
                    Send(device, data, limit);
                    if (last) device.Drain(limit);
                }
                catch (SystemError error) { Log.Debug(_name + ": writing: " + error.Message); }  // the reader sees it too
                catch (ObjectDisposedException) { }     // closed meanwhile by the reader
            }
            if (last) return;
        }
    }

    byte[] AwaitOutput()
    {
        double looked = 0;
        while (true)
        {
            double now = Clock.Now;
            double due = _endpoint.Deadline();
            if (_parser.Kept > 0) due = Math.Min(due, looked > _heard ? looked + 0.05 : _heard + Wire.IdleS);
            if (_parser.Kept > 0 && now >= due && now - _heard >= Wire.IdleS) Idle(now, ref looked);
            _endpoint.Tick(now);
            byte[] data = _endpoint.TakeOutput(_parser.Kept > 0);
            if (data.Length > 0 || _stopping) return data;
            double wait = Math.Min(_endpoint.Deadline(), _parser.Kept > 0 ? due : double.MaxValue) - now;
            _watchesIdle = _parser.Kept > 0;
            Monitor.Wait(_gate, wait > 60 ? 60000 : Math.Max(1, (int)(wait * 1000) + 1));
        }
    }

    /// <summary>Rule 4, at the second look: on a busy machine the reader may
    /// not have had its turn although bytes came, and the line was not idle.</summary>
    void Idle(double now, ref double looked)
    {
        if (looked <= _heard || _device != null && _device.InputWaits())
        {
            looked = now;
            return;
        }
        _heard = now;
        _parser.Idle();
        Dispatch(now);
    }

    /// <summary>Until all is sent. Sessions end in time also when the line
    /// takes nothing, and bytes for a host that is gone are not kept.</summary>
    void Send(Device device, byte[] data, double limit)
    {
        for (int at = 0; at < data.Length && Clock.Now < limit; )
        {
            at += device.Write(data, at, data.Length - at);
            if (at == data.Length) return;
            lock (_gate)
            {
                if (_hung || _device != device) return;
                if (_stopping && limit == double.MaxValue) limit = Clock.Now + LastWordsS;
                _endpoint.Tick(Clock.Now);
            }
        }
    }
}

// ---------------------------------------------------------------------------
// 18. Main
// ---------------------------------------------------------------------------

class Usage : Exception
{
    public Usage(string message) : base(message) { }
}

/// <summary>The command line, as PowerShell hands it over: -Name value,
/// -Name:value, names in any case and shortened as long as they are unique.</summary>
class Options
{
    static readonly string[] Names = { "port", "root", "readonly", "loglevel", "speed", "version", "help" };

    public readonly List<string> Ports = new List<string>();
    public string Root;
    public bool ReadOnly, Version, Help;
    public int LogLevel = 1, Speed = 115200;

    public Options(string[] arguments)
    {
        string option = "port";             // what comes without one is a port
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument.Length < 2 || argument[0] != '-')
            {
                if (option != "port") throw new Usage("what is " + argument + "?");
                AddPorts(argument);
                continue;
            }
            int colon = argument.IndexOf(':');
            option = Find(argument.Substring(0, colon < 0 ? argument.Length : colon));
            string value = colon < 0 ? null : argument.Substring(colon + 1);
            if (option == "readonly") ReadOnly = true;
            else if (option == "version") Version = true;
            else if (option == "help") Help = true;
            else
            {
                if (value == null && i + 1 < arguments.Length) value = arguments[++i];
                if (string.IsNullOrEmpty(value)) throw new Usage(argument + " needs a value");
                Set(option, value);
            }
            option = "port";
        }
    }

    /// <summary>--read-only is taken for -ReadOnly.</summary>
    static string Find(string argument)
    {
        string name = argument.Replace("-", "").ToLowerInvariant();
        List<string> found = new List<string>();
        foreach (string one in Names) if (name.Length > 0 && one.StartsWith(name, StringComparison.Ordinal)) found.Add(one);
        if (found.Contains(name)) return name;
        if (found.Count != 1) throw new Usage("there is no option " + argument);
        return found[0];
    }

    void Set(string option, string value)
    {
        if (option == "port") AddPorts(value);
        else if (option == "root") Root = value;
        else if (option == "speed")
        {
            if (!int.TryParse(value, out Speed) || Speed < 300 || Speed > 4000000)
                throw new Usage("not a line speed: " + value);
        }
        else
        {
            LogLevel = Array.IndexOf(Log.Levels, value.ToLowerInvariant());
            if (LogLevel < 0) throw new Usage("-LogLevel is one of " + string.Join(", ", Log.Levels));
        }
    }

    void AddPorts(string list)
    {
        foreach (string name in list.Split(','))
            if (name.Trim().Length > 0 && !Ports.Contains(name.Trim())) Ports.Add(name.Trim());
    }
}

public static class Engine
{
    const string Help =
        "receiver.ps1 [-Port NAME,...] [-Root DIR] [-ReadOnly] [-LogLevel LEVEL] [-Speed BAUD] [-Version]\n\n"
        + "Receives files from a Guestwire host over a serial port or a virtio channel.\n\n"
        + "  -Port NAME,...   ports to serve, such as COM2 or org.guestwire.0 (default: every one that is free)\n"
        + "  -Root DIR        write nothing outside this directory\n"
        + "  -ReadOnly        write nothing at all\n"
        + "  -LogLevel LEVEL  error, warning (default), info or debug\n"
        + "  -Speed BAUD      of real serial lines (default: 115200)\n"
        + "  -Version         version of receiver and protocol";

    static readonly object Stopped = new object();
    static readonly ManualResetEvent Ended = new ManualResetEvent(false);
    static bool _stop;

    /// <summary>Serves until Ctrl-C or the end of the console; the exit code.</summary>
    public static int Run(string[] arguments)
    {
        Options options;
        try { options = new Options(arguments); }
        catch (Usage error)
        {
            Log.Write("receiver: " + error.Message + " (-Help shows the options)");
            return 2;
        }
        if (options.Help || options.Version)
        {
            Console.Out.WriteLine(options.Help ? Help : "receiver.ps1 " + Wire.Version + ", protocol " + Wire.ProtocolHigh);
            return 0;
        }
        Log.Level = options.LogLevel;
        try { return Serve(options); }
        finally { Ended.Set(); }
    }

    static int Serve(Options options)
    {
        lock (Stopped) _stop = false;       // the script may run again in the same PowerShell
        Config config = new Config();
        try { config.Root = new Root(options.Root); }
        catch (Exception error)
        {
            if (!(error is SystemError) && !(error is Refused)) throw;
            Log.Error("-Root " + (options.Root ?? ".") + ": " + error.Message);
            return 2;
        }
        config.ReadOnly = options.ReadOnly;
        int milliseconds;                   // tests cannot wait 30 s
        if (int.TryParse(Environment.GetEnvironmentVariable("GUESTWIRE_TEST_SESSION_TIMEOUT_MS"), out milliseconds))
            config.SessionS = milliseconds / 1000.0;
        Platform.Current.OnStop(Stop);
        List<Port> ports = OpenPorts(options, config);
        if (ports.Count == 0) return 1;
        foreach (Port port in ports) Log.Write("serving " + port.Name + " (" + port.Kind + ")");
        foreach (Port port in ports) port.Start();
        lock (Stopped) while (!_stop) Monitor.Wait(Stopped);
        foreach (Port port in ports) port.Stop();
        double limit = Clock.Now + 5;
        foreach (Port port in ports) port.Wait(limit);
        Leftovers.RemoveAll();              // of a worker that hangs on its disk
        return 0;
    }

    /// <summary>Those that can be served. A port that was named and cannot is an
    /// error; one that was found is only worth a remark.</summary>
    static List<Port> OpenPorts(Options options, Config config)
    {
        bool named = options.Ports.Count > 0;
        List<Port> ports = new List<Port>();
        foreach (string name in named ? options.Ports : Platform.Current.FindPorts())
        {
            try { ports.Add(new Port(name, config, options.Speed)); }
            catch (SystemError error)
            {
                string text = name + " cannot be served: " + error.Message;
                if (named) Log.Error(text);
                else Log.Info(text);
            }
        }
        if (ports.Count == 0 && !named)
            Log.Error("no port can be served; name one, such as -Port COM2 (-LogLevel info says why)");
        return ports;
    }

    /// <summary>Callable from any thread, also before Run waits.</summary>
    public static void Stop()
    {
        lock (Stopped)
        {
            _stop = true;
            Monitor.PulseAll(Stopped);
        }
    }

    public static void AwaitEnd(int milliseconds) { Ended.WaitOne(milliseconds, false); }
}

}
'@

$ErrorActionPreference = 'Stop'
# PowerShell 2.0 takes "CSharp" for C# 2; later ones do not know the other name
$language = 'CSharp'
if ($PSVersionTable.PSVersion.Major -lt 3) { $language = 'CSharpVersion3' }
Add-Type -TypeDefinition $engine -Language $language -IgnoreWarnings

# typed at a prompt, "-Port COM2,COM3" is an array within the arguments
$arguments = @()
foreach ($argument in $args) { $arguments += [string]::Join(',', [string[]]@($argument)) }
exit [Guestwire.Engine]::Run([string[]]$arguments)
