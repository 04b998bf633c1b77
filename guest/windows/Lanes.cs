using System;
using System.Collections.Generic;

namespace Guestwire
{

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

}
