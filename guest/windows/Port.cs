using System;
using System.Threading;

namespace Guestwire
{

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
        _parser = new Parser(_endpoint.Largest, _endpoint.Knock);
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

    /// <summary>Rule 4, but only at the second look: on a busy machine bytes may have come that the reader had no time
    /// to read yet.</summary>
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

    /// <summary>Returns when all is sent, or the host is gone. Keeps the time meanwhile, so that sessions end even if the
    /// line takes nothing.</summary>
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

}
