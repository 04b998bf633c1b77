using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace Guestwire
{

// Sessions (section 3). No I/O in here: frames come in, bytes go out, the caller says what time it is. All of it
// happens under the endpoint's lock, except what the worker does.

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

    /// <summary>After a `join` the main session's.</summary>
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

    /// <summary>Tells at once of a `cancel` that comes next on its stream.</summary>
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

    /// <summary>In the worker. Gives the frame's bytes back to the port where it came in.</summary>
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

}
