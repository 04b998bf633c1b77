using System;

namespace Guestwire
{

partial class Requests
{
    void BeginPut(int stream, Fields fields, byte[] path)
    {
        Location place = _root.Locate(path, false);
        Put put;
        try { put = new Put(place, fields); }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
        string skipped;
        try
        {
            skipped = put.Begin();
            if (place.Name.Length == 0 && !put.IsDevice && skipped == null)
                throw new Refused("is-directory", "the destination is a directory", place.Path);
        }
        catch (Refused)
        {
            put.Close(true);
            throw;
        }
        if (skipped != null)
        {
            put.Close(false);
            _draining[stream] = true;
            Fields answer = new Fields().Add("path", put.Place.Path).Add("skipped", skipped);
            if (put.UnchangedMode >= 0) answer.Add("mode", Convert.ToString(put.UnchangedMode, 8));
            Done(stream, answer);
            return;
        }
        if (!put.IsDevice) SweepOnce(put.Place.Directory);
        if (!put.Resumes) Prepare(stream, put);
        else
        {
            // hashing what is there may take long: the host waits for the answer
            put.State = UploadState.Preparing;
            Open(stream, put);
            _worker.SubmitLong(delegate { PrepareLong(stream, put); });
        }
    }

    void Prepare(int stream, Put put)
    {
        try { put.Prepare(); }
        catch (Refused)
        {
            put.Close(true);
            throw;
        }
        put.State = UploadState.Receiving;
        Open(stream, put);
        _reply(stream, "accept", put.Accepted());
    }

    void PrepareLong(int stream, Put put)
    {
        Exception failed = null;
        try { put.Prepare(); }
        catch (Exception error) { failed = error; }
        // the rest in the worker, in the order of the frames
        _worker.Submit(delegate { Prepared(stream, put, failed); });
    }

    void Prepared(int stream, Put put, Exception failed)
    {
        if (_closed || Find(stream) != put)
        {
            put.Close(false);               // answered or dropped in the meantime
            return;
        }
        put.State = UploadState.Receiving;  // the worker's again
        bool cancelled = put.IsCancelled;
        if (failed != null || cancelled) Fail(stream, failed ?? Cancelled(), !cancelled);
        else _reply(stream, "accept", put.Accepted());
    }

    /// <summary>Once per directory and session: listing costs. A finisher may call it, too.</summary>
    void SweepOnce(string directory)
    {
        lock (_swept)
        {
            if (_swept.ContainsKey(directory)) return;
            if (_swept.Count >= Wire.SweptMax) _swept.Clear();
            _swept[directory] = true;
        }
        Names.Sweep(directory);
    }

    void Commit(int stream, Fields fields)
    {
        Upload upload = Find(stream) as Upload;
        try
        {
            if (upload == null || upload.State >= UploadState.Committing)
                throw new Refused("bad-request", "commit without a put");
            if (upload.State == UploadState.Preparing)
                throw new Refused("bad-request", "commit before the answer to a put with resume");
            long size = Arguments.Number(fields, "size", true);
            upload.Stream.Check(size, Arguments.Sha256(fields));
            upload.BeginFinishing();
        }
        catch (Refused error)
        {
            Fail(stream, error, false);
            return;
        }
        upload.State = UploadState.Committing;
        Put put = upload as Put;
        if (put == null) FinishInTurn(stream, upload);
        else if (put.IsDevice) Finish(stream, put);      // nothing to flush: no need for another thread
        else _worker.SubmitLong(delegate { Finish(stream, put); });
    }

    void Finish(int stream, Upload upload)
    {
        Exception failed = null;
        try { upload.Finish(); }
        catch (Exception error) { failed = error; }
        upload.Close(IsFailure(failed));
        if (_closed || Find(stream) != upload) return;  // refused since
        if (failed != null) Fail(stream, failed, false);
        else Done(stream, upload.Answer());
    }

    // -- bundle -----------------------------------------------------------------

    void BeginBundle(int stream, Fields fields, byte[] path, bool compares)
    {
        if (path.Length == 0) throw new Refused("bad-request", "empty path");
        byte[] inside = new byte[path.Length + 1];
        Buffer.BlockCopy(path, 0, inside, 0, path.Length);
        inside[path.Length] = (byte)'/';    // what is no directory is none of ours
        Location place = _root.Locate(inside, false);
        Bundle bundle;
        try { bundle = new Bundle(place, fields, compares, SweepOnce); }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
        bundle.State = UploadState.Receiving;
        Open(stream, bundle);
        _reply(stream, "accept", new Fields().Add("path", place.Path));
    }

    /// <summary>One at a time: more would only take the disk from each other,
    /// and the other finishers from who needs them.</summary>
    void FinishInTurn(int stream, Upload bundle)
    {
        _bundles.Enqueue(delegate
        {
            try { Finish(stream, bundle); }
            finally { _worker.Submit(Written); }
        });
        if (_bundles.Count == 1) _worker.SubmitLong(_bundles.Peek());
    }

    void Written()
    {
        _bundles.Dequeue();
        if (_bundles.Count > 0) _worker.SubmitLong(_bundles.Peek());
    }
}

}
