using System;
using System.Collections.Generic;

namespace Guestwire
{

// The two halves of the reliable stream (section 4); under the port's lock.

/// <summary>Says which frames to take and when to acknowledge.</summary>
class ReliableReader
{
    readonly int _window;
    readonly long _holdMax;
    public long Next { get; private set; }
    long _arrived, _givenBack, _acknowledged;
    bool _gapTold, _gapDue, _askDue;

    public ReliableReader(int window, int frame)
    {
        _window = window;
        _holdMax = 2 * window + frame + Wire.Overhead;
    }

    long Held { get { return _arrived - _givenBack; } }

    /// <summary>True if the frame is the expected one and there is room for it.</summary>
    public bool Offer(uint sequence, int size, bool ask)
    {
        if (sequence < Next) { _askDue = true; return false; }
        if (sequence > Next)
        {
            if (!_gapTold) _gapTold = _gapDue = true;
            return false;
        }
        if (Held + size > _holdMax) return false;   // a sender that ignores the window: as if lost
        Next++;
        _arrived += size;
        _gapTold = _gapDue = false;
        _askDue = _askDue || ask;
        return true;
    }

    public void GiveBack(int size) { _givenBack += size; }

    /// <summary>A quarter of the window was given back since the last ACK.</summary>
    public bool RoomGrew { get { return _givenBack - _acknowledged >= _window / 4; } }

    /// <summary>An ACK that was asked for can wait while another frame is arriving: the host isn't idle.</summary>
    public bool IsAckDue(bool frameBegun) { return _gapDue || RoomGrew || _askDue && !frameBegun; }

    public int AckFlags { get { return _gapDue ? Wire.FlagGap : 0; } }

    /// <summary>Writes next and window, for an ACK or PONG that the caller sends now.</summary>
    public void Tell(byte[] body, int at)
    {
        _askDue = _gapDue = false;
        _acknowledged = _givenBack;
        Bytes.PutU32(body, at, (uint)Next);
        Bytes.PutU32(body, at + 4, (uint)Math.Max(0, _window - Held));
    }
}

/// <summary>Keeps frames until they are acknowledged; sends again only what is
/// proven to be lost.</summary>
class ReliableSender
{
    class Entry
    {
        public byte Type;
        public int Stream;
        public byte[] Payload;
        public int Size { get { return Payload.Length + Wire.Overhead; } }
    }

    readonly uint _session;
    readonly List<Entry> _frames = new List<Entry>();       // _frames[0] has the number _base
    readonly List<KeyValuePair<uint, long>> _pings = new List<KeyValuePair<uint, long>>();
    long _window, _base, _bytesUnderWay;
    int _underWay;                          // so many of them
    double _progress, _pingAt = -Wire.ProbeS;
    uint _pingId;

    public ReliableSender(uint session, long window)
    {
        _session = session;
        _window = window;
    }

    public int Count { get { return _frames.Count; } }

    public void Add(byte type, int stream, byte[] payload, double now)
    {
        if (_frames.Count == 0) _progress = now;
        Entry entry = new Entry();
        entry.Type = type;
        entry.Stream = stream;
        entry.Payload = payload;
        _frames.Add(entry);
    }

    bool Fits(int size) { return _underWay == 0 ? _window > 0 : _bytesUnderWay + size <= _window; }

    public bool CanSend { get { return _underWay < _frames.Count && Fits(_frames[_underWay].Size); } }

    /// <summary>Adds the encoded frames that may go now; the last one has ASK.</summary>
    public void Pump(List<byte[]> made)
    {
        int first = _underWay;
        while (_underWay < _frames.Count && Fits(_frames[_underWay].Size))
            _bytesUnderWay += _frames[_underWay++].Size;
        for (int i = first; i < _underWay; i++)
            made.Add(Frame.Encode(_frames[i].Type, i == _underWay - 1 ? Wire.FlagAsk : 0, _frames[i].Stream,
                                  _session, (uint)(_base + i), _frames[i].Payload));
    }

    /// <summary>False if the number is impossible.</summary>
    public bool Acknowledged(long upto, long window, double now)
    {
        if (upto < _base) return true;      // an old one is no offence
        if (upto > _base + _underWay) return false;
        _window = Math.Min(window, Wire.WindowMax);
        if (upto > _base) _progress = now;
        int count = (int)(upto - _base);
        for (int i = 0; i < count; i++) _bytesUnderWay -= _frames[i].Size;
        _frames.RemoveRange(0, count);
        _underWay -= count;
        _base = upto;
        return true;
    }

    public void Gap()
    {
        _underWay = 0;
        _bytesUnderWay = 0;
        _pings.Clear();                     // what they would prove is being mended
    }

    public void Pong(uint id, long upto)
    {
        int index = _pings.FindIndex(delegate(KeyValuePair<uint, long> ping) { return ping.Key == id; });
        if (index < 0) return;
        long sentBefore = _pings[index].Value;
        _pings.RemoveAt(index);
        if (upto == _base && upto < sentBefore) Gap();
    }

    public double Deadline
    {
        get { return _frames.Count == 0 ? double.MaxValue : Math.Max(_progress, _pingAt) + Wire.ProbeS; }
    }

    /// <summary>True if it's time to send a PING with this number.</summary>
    public bool Probe(double now, out uint id)
    {
        id = 0;
        if (now < Deadline) return false;
        _pingAt = now;
        id = ++_pingId;
        _pings.Add(new KeyValuePair<uint, long>(id, _base + _underWay));
        if (_pings.Count > 16) _pings.RemoveAt(0);
        return true;
    }
}

}
