using System;
using System.Collections.Generic;
using System.Text;

namespace Guestwire
{

// Requests (section 5). Runs in the worker; of a frame it knows type, flags, stream and payload only.

delegate void Reply(int stream, string verb, Fields fields);

/// <summary>Sends DATA; waits while much of it is under way. False: the session is over.</summary>
delegate bool SendData(int stream, byte[] payload);

/// <summary>Makes the asking session a lane of the one with that number.</summary>
delegate void Join(uint number);

partial class Requests
{
    readonly Root _root;
    readonly bool _readOnly;
    readonly int _frame;                    // largest payload the host takes
    readonly Reply _reply;
    readonly SendData _sendData;
    readonly Join _join;
    readonly Worker _worker;
    readonly Dictionary<int, Request> _open = new Dictionary<int, Request>();   // under its own lock: finishers end requests
    readonly Dictionary<int, bool> _draining = new Dictionary<int, bool>();     // streams whose put was answered early
    readonly Dictionary<string, bool> _swept = new Dictionary<string, bool>();
    readonly Queue<Job> _bundles = new Queue<Job>();    // to be written; the first is being so
    volatile bool _closed;

    public Requests(Root root, bool readOnly, int frame, Worker worker, Reply reply, SendData sendData, Join join)
    {
        _root = root;
        _readOnly = readOnly;
        _frame = frame;
        _worker = worker;
        _reply = reply;
        _sendData = sendData;
        _join = join;
    }

    Request Find(int stream)
    {
        Request found;
        lock (_open) return _open.TryGetValue(stream, out found) ? found : null;
    }

    Request Remove(int stream)
    {
        Request found = Find(stream);
        lock (_open) _open.Remove(stream);
        return found;
    }

    void Open(int stream, Request request)
    {
        lock (_open) _open[stream] = request;
        if (_closed) request.Cancel(true);
    }

    List<Request> All() { lock (_open) return new List<Request>(_open.Values); }

    // -- from the port's thread -------------------------------------------------

    /// <summary>A cancel is the next thing in the worker's queue for this stream.</summary>
    public void Foresee(int stream)
    {
        Request request = Find(stream);
        if (request != null) request.Foresee();
    }

    /// <summary>The session is over; Close follows in the worker's order.</summary>
    public void InterruptAll()
    {
        _closed = true;
        foreach (Request request in All()) request.Cancel(true);
    }

    // -- in the worker ----------------------------------------------------------

    /// <summary>Removes what is unfinished, except what can be resumed.</summary>
    public void Close()
    {
        InterruptAll();
        foreach (Request request in All())
        {
            Upload upload = request as Upload;
            if (upload != null && upload.State == UploadState.Receiving) upload.Close(false);   // a finisher closes its own
        }
        lock (_open) _open.Clear();
        _draining.Clear();
    }

    public void Data(int stream, byte[] payload, int length, bool encoded, bool copy)
    {
        Upload upload = Find(stream) as Upload;
        if (upload == null || upload.State >= UploadState.Committing) return;   // draining, ending, or nothing there
        try
        {
            if (upload.State == UploadState.Preparing)
                throw new Refused("bad-request", "data before the answer to a put with resume");
            if (copy) upload.Stream.Copy(payload, length);
            else upload.Stream.Write(payload, length, encoded);
        }
        catch (Exception error) { Fail(stream, error); }
    }

    public void Control(int stream, byte[] payload, int length)
    {
        Fields fields = new Fields();
        string verb;
        try { verb = Texts.Read(payload, length, fields); }
        catch (BadText error)
        {
            Invalid(stream, Encoding.ASCII.GetString(payload, 0, Math.Min(length, 8)), error.Message);
            return;
        }
        if (verb == "cancel") Cancel(stream, fields);
        else if (_draining.ContainsKey(stream))
        {
            if (verb == "commit") _draining.Remove(stream);
        }
        else if (verb == "commit") Commit(stream, fields);
        else Begin(stream, verb, fields);
    }

    public void Unknown(int stream) { Fail(stream, new Refused("unsupported", "frame type unknown")); }

    // -- ends -------------------------------------------------------------------

    void Fail(int stream, Exception error) { Fail(stream, error, true); }

    /// <summary>The final `error` of a stream. `drain`: if its put is still being sent, the rest of it is dropped until
    /// commit or cancel.</summary>
    void Fail(int stream, Exception error, bool drain)
    {
        Refused refused = ToRefused(error);
        Upload upload = Find(stream) as Upload;
        if (upload != null)
        {
            if (drain && upload.State < UploadState.Committing) _draining[stream] = true;
            bool isWithFinisher = upload.State == UploadState.Preparing || upload.State == UploadState.Committing;
            if (isWithFinisher) upload.Cancel(false);
            else End(upload, refused);
        }
        Remove(stream);
        Answer(stream, refused);
    }

    static Refused ToRefused(Exception error)
    {
        Refused refused = error as Refused;
        SystemError system = error as SystemError;
        if (system != null) refused = system.Refuse(null);
        if (refused != null) return refused;
        Log.Defect(error);
        return new Refused("internal", error.GetType().Name + ": " + error.Message);
    }

    static void End(Upload upload, Refused why)
    {
        if (why.Path == null) why.Path = upload.Place.Path;
        upload.Close(IsFailure(why));
    }

    /// <summary>What was only cancelled may be gone on from.</summary>
    static bool IsFailure(Exception error)
    {
        Refused refused = error as Refused;
        return error != null && (refused == null || refused.Code != "cancelled");
    }

    static Refused Cancelled() { return new Refused("cancelled", "cancelled"); }

    void Answer(int stream, Refused refused)
    {
        Log.Info(refused.Code + (refused.Path == null ? "" : " " + refused.Path) + ": " + refused.Message);
        _reply(stream, "error", refused.ToFields());
    }

    void Done(int stream, Fields fields)
    {
        Remove(stream);
        _reply(stream, "done", fields);
    }

    void Invalid(int stream, string head, string message)
    {
        string verb = head.IndexOf('\n') > 0 ? head.Split('\n')[0] : "";
        bool ends = verb == "commit" || verb == "cancel";
        if (_draining.ContainsKey(stream))
        {
            if (ends) _draining.Remove(stream);
            return;
        }
        bool drain = Sends(verb) && Find(stream) == null;
        Fail(stream, new Refused("bad-request", message), !ends);
        if (drain) _draining[stream] = true;
    }

    // -- begin ------------------------------------------------------------------

    void Begin(int stream, string verb, Fields fields)
    {
        try
        {
            if (stream == 0) throw new Refused("bad-request", "stream 0");
            if (Find(stream) != null) throw new Refused("bad-request", verb + " on a stream in use");
            if (OpenCount() >= Wire.Streams)
                throw new Refused("too-many", "more than " + Wire.Streams + " requests at once");
            Perform(stream, verb, fields);
        }
        catch (Exception error)
        {
            bool drain = Sends(verb) && Find(stream) == null;
            Fail(stream, error);
            if (drain && stream != 0) _draining[stream] = true;
        }
    }

    /// <summary>Verbs that DATA and `commit` follow.</summary>
    static bool Sends(string verb) { return verb == "put" || verb == "bundle" || verb == "compare"; }

    int OpenCount() { lock (_open) return _open.Count + _draining.Count; }

    static readonly string[] Verbs = { "stat", "put", "bundle", "compare", "mkdir", "symlink", "attributes", "signature",
                                       "join" };

    void Perform(int stream, string verb, Fields fields)
    {
        if (Array.IndexOf(Verbs, verb) < 0) throw new Refused("unsupported", "verb " + verb + " is unknown");
        if (verb == "join") { JoinSession(stream, fields); return; }
        byte[] path = fields["path"];
        if (_readOnly && verb != "stat" && verb != "signature")
            throw new Refused("read-only", "the receiver is in read-only mode",
                              path == null ? null : Encoding.UTF8.GetString(path));
        if (path == null) throw new Refused("bad-request", "path is missing");
        switch (verb)
        {
            case "stat": Stat(stream, fields, path); break;
            case "put": BeginPut(stream, fields, path); break;
            case "bundle":
            case "compare": BeginBundle(stream, fields, path, verb == "compare"); break;
            case "mkdir": MakeDirectory(stream, fields, path); break;
            case "symlink": MakeLink(stream, fields, path); break;
            case "attributes": SetAttributes(stream, fields, path); break;
            default: BeginSignature(stream, fields, path); break;
        }
    }

    void JoinSession(int stream, Fields fields)
    {
        _join(Arguments.Session(fields));
        Done(stream, new Fields());
    }

    void Cancel(int stream, Fields fields)
    {
        if (_draining.Remove(stream)) return;
        Request request = Find(stream);
        if (request == null) return;
        request.Cancel(fields.Yes("keep"));
        Upload upload = request as Upload;
        // else its finisher answers
        if (upload != null && upload.State == UploadState.Receiving) Fail(stream, Cancelled(), false);
    }
}

}
