using System;

namespace Guestwire
{

// Frames (section 1).

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
/// under the port's lock. The nonces of knocks in the noise go to a delegate.</summary>
class Parser
{
    const int ReadBytes = 65536;
    readonly int _limit;
    readonly Knocks _knocks;
    int _start, _need = 1;                  // bytes from _start before looking again
    public readonly byte[] Data;
    public int End { get; private set; }
    public long Dropped { get; private set; }

    public Parser(int limit, Knocked knocked)
    {
        _knocks = new Knocks(knocked);
        _limit = Math.Max(limit, Wire.FrameMin);
        Data = new byte[2 * (_limit + Wire.Overhead) + 2 * ReadBytes];
    }

    public int Kept { get { return End - _start; } }

    /// <summary>How many bytes the frame that has begun lacks; 0 if none has.</summary>
    public int Missing { get { return Kept > 0 ? Math.Max(1, _need - Kept) : 0; } }

    /// <summary>The room at Data[End]: at least ReadBytes and the rest of the frame that has begun.</summary>
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
    public void Clear()
    {
        Dropped += Kept;
        _start = End;
        _need = 1;
        _knocks.Forget();
    }

    /// <summary>Rule 4: 400 ms passed without a byte while something is kept.</summary>
    public void Idle()
    {
        if (Kept == 0) return;
        Drop(1);
        _need = 0;
    }

    void Drop(int count)
    {
        if (count == 0) return;
        _knocks.Search(Data, _start, count);
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
            _knocks.Forget();               // a frame within interrupts a knock
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

}
