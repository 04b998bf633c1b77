using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security.Cryptography;
using System.Threading;

namespace Guestwire
{

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
        if (frame.Type == Wire.Welcome || frame.Type == Wire.Here) return;     // a receiver's own, thrown back by the line
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

    /// <summary>Leaves unreliable frames out while the line takes nothing.</summary>
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

    // -- knock and HELLO -----------------------------------------------------

    public void Knock(uint nonce)
    {
        Log.Debug(_port + ": a host knocks");
        Emit(Wire.Here, nonce, new byte[0]);
    }

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
        Fields fields = new Fields().Add("protocol", version).Add("session", number.ToString("x8", CultureInfo.InvariantCulture))
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

    /// <summary>All bytes that can go now.</summary>
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

    /// <summary>Idempotent. What the session hasn't finished is removed or, where the host asked for it, kept to be
    /// resumed.</summary>
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

}
