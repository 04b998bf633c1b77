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
    readonly object _gate = new object();   // within it only locks are taken within which no other is
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

    /// <summary>What the lane has brought stays, since it was acknowledged; when the main session leaves, everything
    /// goes.</summary>
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

    /// <summary>Bounds what waits, which lanes that come and go could otherwise raise above their windows. The frame that
    /// is needed next has a bound of its own, so that the others can't hold it up.</summary>
    public bool HasRoomFor(uint number)
    {
        lock (_gate) return (number == _next ? _bytesAtWorker : _bytesWaiting) <= _limit;
    }

    /// <summary>False if it came before, or the session is over.</summary>
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
