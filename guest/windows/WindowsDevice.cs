using System;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

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

/// <summary>COM ports and virtio channels by overlapped I/O. System.IO.Ports won't do: it's in another assembly in each
/// PowerShell, it has a thread that dies with an unplugged port, and it can't be told how many bytes a frame lacks,
/// which is what keeps an emulated UART fast.</summary>
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

}
