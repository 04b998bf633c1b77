using System;
using System.Threading;

namespace Guestwire
{

// What a put and a bundle have in common.

/// <summary>Whether a request goes on. "Keep" leaves a partial file, from which a later put can go on.</summary>
enum Cancellation { None, Foreseen, Drop, Keep }

/// <summary>What is open under a stream's number.</summary>
class Request
{
    int _cancellation;                      // set by the port's thread and the worker, read by finishers

    Cancellation Cancellation { get { return (Cancellation)Interlocked.CompareExchange(ref _cancellation, 0, 0); } }

    /// <summary>A cancel is on its way, or has come: a long step stops.</summary>
    public bool IsInterrupted { get { return Cancellation != Cancellation.None; } }

    /// <summary>A finisher looks at it before it renames.</summary>
    public bool IsCancelled { get { return Cancellation >= Cancellation.Drop; } }

    public bool KeepsPartial { get { return Cancellation == Cancellation.Keep; } }

    /// <summary>Never takes back a cancel that the worker has seen meanwhile.</summary>
    public void Foresee()
    {
        Interlocked.CompareExchange(ref _cancellation, (int)Cancellation.Foreseen, (int)Cancellation.None);
    }

    public void Cancel(bool keep)
    {
        Interlocked.Exchange(ref _cancellation, (int)(keep ? Cancellation.Keep : Cancellation.Drop));
    }
}

/// <summary>As drawn in PROTOCOL.md, section 5.</summary>
enum UploadState { Opened, Preparing, Receiving, Committing, Over }

/// <summary>A request that DATA and `commit` follow. Only the worker touches it, except in Preparing and
/// Committing, when a finisher does.</summary>
abstract class Upload : Request
{
    public volatile UploadState State = UploadState.Opened;

    public IncomingStream Stream { get; protected set; }
    public abstract Location Place { get; }

    /// <summary>In the worker, when size and hash are right.</summary>
    public virtual void BeginFinishing() { }

    /// <summary>Does what was asked for; may take long.</summary>
    public abstract void Finish();

    /// <summary>What `done` says.</summary>
    public virtual Fields Answer()
    {
        return new Fields().Add("path", Place.Path).Add("size", Stream.Received).Add("sha256", Stream.Digest);
    }

    /// <summary>Idempotent; what is unfinished goes, unless it's kept to be resumed.</summary>
    public abstract void Close(bool failed);
}

/// <summary>What a put and a bundle are told alike.</summary>
class UploadOptions
{
    public readonly string Conflict;
    public readonly long Size;              // -1: not told
    public readonly int Mode;               // -1: not told
    public readonly bool HasMtime, SkipsUnchanged, IsEncoded;
    public readonly long Mtime;

    public UploadOptions(Fields fields)
    {
        Conflict = Arguments.Conflict(fields);
        Size = Arguments.Number(fields, "size", false);
        Mode = Arguments.Mode(fields);
        HasMtime = Arguments.Mtime(fields, out Mtime);
        string unchanged = fields.Ascii("unchanged"), encoding = fields.Ascii("encoding");
        if (unchanged != null && unchanged != "skip") throw new Refused("unsupported", "unchanged policy unknown");
        if (encoding != null && encoding != "deflate") throw new Refused("unsupported", "encoding unknown");
        SkipsUnchanged = unchanged != null;
        IsEncoded = encoding != null;
    }
}

/// <summary>The bytes that follow a put or a bundle: in order, inflated or copied from the basis, hashed. What it
/// refuses has no path yet; Requests adds it. Only the worker touches it, except while a finisher hashes a
/// partial file.</summary>
class IncomingStream
{
    readonly Request _request;
    readonly long _size;                    // -1: not told
    readonly Sink _sink;                    // gets the bytes that come behind those received
    readonly Inflate _inflate;              // null without `encoding`
    Sha256 _hash = new Sha256();
    byte[] _buffer;                         // for a COPY
    OpenFile _basis;
    Job _startAnew;                         // what else must begin anew where the host doesn't take the offer
    long _encodedAt = -1;                   // offset of the ENCODED frame right before
    long _inflatedFrom;                     // what had been received before that frame
    bool _isBrokenOff;                      // within a frame, when interrupted; what follows is dropped

    public long Received { get; private set; }
    public long Offered { get; private set; }       // bytes to go on from; 0 once the host has decided
    public long BasisSize { get; private set; }     // -1: there is none
    public string Digest { get; private set; }      // after Check

    public IncomingStream(Request request, UploadOptions options, Sink sink)
    {
        _request = request;
        _size = options.Size;
        _sink = sink;
        BasisSize = -1;
        if (options.IsEncoded) _inflate = new Inflate(StoreInflated);
    }

    public void SetBasis(OpenFile basis, long size)
    {
        _basis = basis;
        BasisSize = size;
    }

    // -- resumption ----------------------------------------------------------

    public void Offer(long bytes, Job startAnew)
    {
        Offered = bytes;
        _startAnew = startAnew;
    }

    /// <summary>Bytes that were there before.</summary>
    public void AddOffered(byte[] data, int count) { _hash.Add(data, 0, count); }

    /// <summary>The first offset says whether the host goes on from what it was offered or begins anew.</summary>
    void Decide(long offset)
    {
        if (Offered == 0) return;
        if (offset == Offered) Received = Offered;
        else if (offset == 0)
        {
            _startAnew();
            _hash = new Sha256();
        }
        Offered = 0;
    }

    // -- data ----------------------------------------------------------------

    public void Write(byte[] frame, int length, bool encoded)
    {
        if (_isBrokenOff) return;
        long offset = Offset(frame, length);
        if (encoded)
        {
            WriteEncoded(offset, frame, length);
            return;
        }
        _encodedAt = -1;
        if (offset != Received) throw WrongOffset(offset);
        Store(frame, 8, length - 8);
    }

    void WriteEncoded(long offset, byte[] frame, int length)
    {
        if (_inflate == null) throw new Refused("bad-request", "ENCODED without an encoding");
        if (offset != Received && offset != _encodedAt) throw WrongOffset(offset);
        _encodedAt = offset;
        _inflatedFrom = Received;
        try { _inflate.Feed(frame, 8, length - 8); }
        catch (BadData error) { throw new Refused("bad-data", error.Message); }
    }

    long Offset(byte[] frame, int length)
    {
        if (length < 8) throw new Refused("bad-request", "a frame without an offset");
        ulong offset = Bytes.U64(frame, 0);
        if (offset > long.MaxValue) throw new Refused("bad-request", "offset out of range");
        Decide((long)offset);
        return (long)offset;
    }

    Refused WrongOffset(long offset)
    {
        return new Refused("bad-request", "offset " + offset + " where " + Received + " was due");
    }

    public void Copy(byte[] frame, int length)
    {
        if (_isBrokenOff) return;
        long offset = Offset(frame, length);
        _encodedAt = -1;
        if (_buffer == null) _buffer = new byte[Wire.Step];
        if (BasisSize < 0) throw new Refused("bad-request", "COPY without a basis");
        if (length < 20 || (length - 8) % 12 != 0) throw new Refused("bad-request", "COPY of a wrong length");
        if (offset != Received) throw WrongOffset(offset);
        for (int at = 8; at < length && !_isBrokenOff; at += 12)
        {
            CopyRange(Bytes.U64(frame, at), Bytes.U32(frame, at + 8));
            if (_request.IsInterrupted && at + 12 < length) _isBrokenOff = true;
        }
    }

    void CopyRange(ulong from, uint length)
    {
        if (from > (ulong)BasisSize || length > (ulong)BasisSize - from)
            throw new Refused("bad-request", "COPY from outside the basis");
        CheckSize(length);
        try { _basis.Seek((long)from); }
        catch (SystemError error) { throw error.RefuseWrite(null); }
        for (long left = length; left > 0 && !_isBrokenOff; )
        {
            int count;
            try { count = _basis.Read(_buffer, 0, (int)Math.Min(_buffer.Length, left)); }
            catch (SystemError error) { throw error.RefuseWrite(null); }
            if (count <= 0) throw new Refused("basis-changed", "the basis became shorter");
            Store(_buffer, 0, count);
            left -= count;
            if (_request.IsInterrupted && left > 0) _isBrokenOff = true;
        }
    }

    void CheckSize(long count)
    {
        if (_size >= 0 && count > _size - Received)
            throw new Refused("size-mismatch", "more than the " + _size + " bytes announced");
    }

    void StoreInflated(byte[] data, int offset, int count)
    {
        if (_isBrokenOff) return;
        Store(data, offset, count);
        _isBrokenOff = _request.IsInterrupted && Received > _inflatedFrom + Wire.Step;
    }

    /// <summary>One step: the hash and the file always agree.</summary>
    void Store(byte[] data, int offset, int count)
    {
        if (count == 0) return;
        CheckSize(count);
        _hash.Add(data, offset, count);
        _sink(data, offset, count);
        Received += count;
    }

    // -- end -----------------------------------------------------------------

    public void Check(long size, string digest)
    {
        Decide(size);
        if (size != Received) throw new Refused("size-mismatch", Received + " bytes arrived, " + size + " were sent");
        Digest = _hash.FinishHex();
        if (digest != Digest) throw new Refused("hash-mismatch", "SHA-256 differs");
    }

    public void CloseBasis()
    {
        if (_basis != null) _basis.Close();
        _basis = null;
    }
}

}
