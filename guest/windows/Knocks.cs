using System;

namespace Guestwire
{

delegate void Knocked(uint nonce);

/// <summary>Looks for knocks (section 3) in the bytes that the parser drops.</summary>
class Knocks
{
    const int Most = Wire.KnockBytes - 1;   // without one digit a knock isn't whole yet
    readonly Knocked _found;
    readonly byte[] _seam = new byte[2 * Most];     // the last bytes dropped, and the next behind them
    int _kept;

    public Knocks(Knocked found) { _found = found; }

    /// <summary>What comes next isn't behind what was dropped.</summary>
    public void Forget() { _kept = 0; }

    /// <summary>So many bytes were dropped, right behind what was dropped before.</summary>
    public void Search(byte[] data, int at, int count)
    {
        int taken = Math.Min(count, Most);
        Buffer.BlockCopy(data, at, _seam, _kept, taken);
        Look(_seam, 0, _kept + taken);
        if (count > Most) Look(data, at, count);
        if (count >= Most) Keep(data, at + count);
        else Keep(_seam, _kept + taken);
    }

    void Keep(byte[] data, int end)
    {
        _kept = Math.Min(end, Most);
        Buffer.BlockCopy(data, end - _kept, _seam, 0, _kept);   // may overlap
    }

    void Look(byte[] data, int at, int count)
    {
        for (int end = at + count; end - at >= Wire.KnockBytes; at++)
        {
            at = Array.IndexOf(data, (byte)'4', at, end - at);
            if (at < 0 || end - at < Wire.KnockBytes) return;
            uint nonce;
            if (IsKnock(data, at, out nonce)) _found(nonce);
        }
    }

    public static bool IsKnock(byte[] data, int at, out uint nonce)
    {
        nonce = 0;
        if (data[at] != '4' || data[at + 1] != '7' || data[at + 2] != '5' || data[at + 3] != '7') return false;
        ulong number = Number(data, at + 4);
        if (number > uint.MaxValue || Number(data, at + 14) != Crc32.Of(data, at, 14)) return false;
        nonce = (uint)number;
        return true;
    }

    /// <summary>Ten decimal digits; no 32-bit number if one isn't.</summary>
    static ulong Number(byte[] data, int at)
    {
        ulong number = 0;
        for (int end = at + 10; at < end; at++)
        {
            if (data[at] < '0' || data[at] > '9') return ulong.MaxValue;
            number = 10 * number + (ulong)(data[at] - '0');
        }
        return number;
    }
}

}
