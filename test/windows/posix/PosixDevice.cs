using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace Guestwire
{

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

}
