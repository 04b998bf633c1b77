using System.Diagnostics;

namespace Guestwire
{

// Constants of the protocol.

static class Wire
{
    public const string Version = "@VERSION@";  // that of package.json, once assembled
    public const int ProtocolLow = 1, ProtocolHigh = 1;

    public const int HeaderBytes = 24, Overhead = 28;
    public const byte Hello = 1, Welcome = 2, Ack = 3, Ping = 4, Pong = 5, Reset = 6, Here = 7;
    public const byte Control = 0x10, Data = 0x11, Copy = 0x12, Lane = 0x13;
    public const byte Reliable = 0x10;      // this bit of the type
    public const byte FlagGap = 1;          // of ACK
    public const byte FlagAsk = 1;          // of reliable frames
    public const byte FlagEncoded = 2;      // of DATA

    public const int KnockBytes = 24;       // section 3
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

}
