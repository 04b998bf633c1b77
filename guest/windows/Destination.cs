namespace Guestwire
{

/// <summary>The file that is written, under a temporary name until it is whole: of a put, or of a record of a bundle.
/// Same threads as the request it's of.</summary>
class Destination
{
    readonly Platform _platform = Platform.Current;
    readonly string _conflict;
    readonly int _mode;                     // -1: not told
    readonly bool _hasMtime;
    readonly long _mtime;
    OpenFile _file;
    string _temporary;                      // its path
    bool _replaces;                         // the name existed when the put began
    bool _inPlace;                          // it can't be replaced, so it's written into

    public readonly Notes Notes = new Notes();
    public Location Place { get; private set; }
    public bool IsDevice { get; private set; }

    public Destination(Location place, string conflict, int mode, bool hasMtime, long mtime)
    {
        Place = place;
        _conflict = conflict;
        _mode = mode;
        _hasMtime = hasMtime;
        _mtime = mtime;
    }

    // -- before --------------------------------------------------------------

    /// <summary>What `conflict` says about what's there. Returns null, or why it is skipped.</summary>
    public string Settle(Facts found)
    {
        if (found == null) return null;
        if (found.Kind == "device")
        {
            IsDevice = true;
            return null;
        }
        if (_conflict == "skip") return "exists";
        if (_conflict == "rename" && Place.Name.Length > 0)
        {
            Place = Place.Renamed(Names.Free(Place));
            return null;
        }
        if (found.Kind != "file")
            throw new Refused("is-" + found.Kind, "the destination is a " + found.Kind, Place.Path);
        if (_conflict == "fail") throw Exists(found, Place.Path);
        if (_conflict == "newer")
        {
            if (!_hasMtime) throw new Refused("bad-request", "conflict=newer needs mtime", Place.Path);
            if (_mtime <= found.Mtime) return "not-newer";
        }
        _replaces = true;
        return null;
    }

    /// <summary>`error code=exists` tells what is there.</summary>
    public static Refused Exists(Facts found, string path)
    {
        Fields extra = new Fields();
        if (found != null)
        {
            extra.Add("type", found.Kind);
            if (found.Kind == "file") extra.Add("size", found.Size);
            extra.Add("mtime", Arguments.TimeText(found.Mtime));
        }
        return new Refused("exists", "the name exists", path, "EEXIST", extra);
    }

    /// <summary>rsync's quick check; file systems keep more or fewer digits.</summary>
    public static bool IsUnchanged(Facts found, long size, long mtime)
    {
        return found.Kind == "file" && found.Size == size && Microseconds(found.Mtime) == Microseconds(mtime);
    }

    static long Microseconds(long nanoseconds)
    {
        return nanoseconds / 1000 - (nanoseconds % 1000 < 0 ? 1 : 0);
    }

    /// <summary>SystemError if the existing file can't be replaced.</summary>
    public void CheckReplaceable()
    {
        if (!_replaces) return;
        try { _platform.CheckReplaceable(Place.Path); }
        catch (SystemError error) { if (!IsForOverwriting(error)) throw; }
    }

    /// <summary>Whether this error means that the file must be written into instead.</summary>
    bool IsForOverwriting(SystemError error)
    {
        bool unable = error.Code == "permission" || error.Code == "read-only-filesystem" || error.Name == "EBUSY";
        return _replaces && unable && _platform.MayWrite(Place.Path);
    }

    /// <summary>`there`: bytes of `size` that are on the disk already.</summary>
    public void CheckSpace(long size, long there)
    {
        if (size <= 0 || _inPlace) return;
        long free = _platform.FreeBytes(Place.Directory);
        if (free < 0) return;               // the write will tell
        free += there;
        if (size > free) throw new Refused("no-space", size + " bytes are needed, " + free + " are free", Place.Path,
                                           _platform.Separator == '/' ? "ENOSPC" : "ERROR_DISK_FULL", null);
    }

    public bool IsOpen { get { return _file != null; } }

    public void OpenDevice() { _file = _platform.OpenDevice(Place.Path); }

    public void OpenTemporary(long size)
    {
        try { OpenBeside(); }
        catch (SystemError error)
        {
            if (!IsForOverwriting(error)) throw;
            _file = _platform.CreateSpool(size);
            _inPlace = true;
        }
    }

    void OpenBeside()
    {
        for (int attempt = 0; _file == null; attempt++)
        {
            string path = Place.Beside(Names.Temporary());
            try { Use(_platform.Create(path), path); }
            catch (SystemError error)
            {
                if (error.Code != "exists" || attempt == 100) throw;
            }
        }
    }

    public void Use(OpenFile file, string path)
    {
        _file = file;
        _temporary = path;
        Leftovers.Add(this, path);
    }

    // -- content -------------------------------------------------------------

    public int Read(byte[] data, int count) { return _file.Read(data, 0, count); }

    public void Write(byte[] data, int offset, int count)
    {
        try { _file.Write(data, offset, count); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    public void Truncate()
    {
        try { _file.Truncate(); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    // -- end -----------------------------------------------------------------

    public void Flush()
    {
        try { _file.Flush(); }
        catch (SystemError error) { throw error.RefuseWrite(Place.Path); }
    }

    /// <summary>Gives the whole file its mode, time and name.</summary>
    public void TakeName()
    {
        // not before: a partial file that stays keeps its own mode and time
        if (!_inPlace) SetAttributes(_replaces ? Place.Look() : null);
        bool losesOwner = _replaces && Notes.Kinds.Contains("owner");
        if (_inPlace || losesOwner && _platform.MayWrite(Place.Path))
        {
            Overwrite();
            return;
        }
        try { NameIt(); }                   // the file stays open: a sweep takes a closed one for an orphan
        catch (SystemError error)
        {
            if (!IsForOverwriting(error)) throw;
            Overwrite();
            return;
        }
        _file.Close();
        _file = null;
        Leftovers.Forget(this);
        _temporary = null;
        _platform.FlushDirectory(Place.Directory);
    }

    /// <summary>From the temporary file, which is whole, into the old one. Owner, links and all else of that stay.</summary>
    void Overwrite()
    {
        _inPlace = true;
        Notes.Kinds.Clear();
        Notes.Add("in-place");
        using (Overwriting.Begin())
        {
            OpenFile target = _platform.OpenToOverwrite(Place.Path);
            try
            {
                Facts found = target.Look();
                if (found.Kind != "file") throw new Refused("is-special", "the destination is no longer a file", Place.Path);
                target.Reserve(_file.Look().Size);
                CopyTo(target);
                target.CutOff();
                if (_hasMtime) target.SetTime(_mtime, Notes);
                if (found.Mode >= 0 && _mode > 0) _platform.AddExecute(Place.Path, _mode, Notes);
                target.Flush();
            }
            finally { target.Close(); }
        }
    }

    void CopyTo(OpenFile target)
    {
        byte[] buffer = new byte[Wire.Step];
        int count;
        _file.Seek(0);
        while ((count = _file.Read(buffer, 0, buffer.Length)) > 0) target.Write(buffer, 0, count);
    }

    /// <summary>`found` is what the file will replace.</summary>
    void SetAttributes(Facts found)
    {
        if (found != null && found.Kind == "file")
        {
            if (!found.OnlyLink) Notes.Add("links");
            _file.TakeOver(_temporary, Place.Path, _mode, Notes);
        }
        else
        {
            _file.SetMode(_mode, Notes);
            if (_platform.IsForeign(Place.Directory)) Notes.Add("owner");
        }
        if (_hasMtime) _file.SetTime(_mtime, Notes);
    }

    void NameIt()
    {
        while (true)
        {
            if (_replaces)
            {
                CheckStillFile();
                _platform.Replace(_temporary, Place.Path);
                return;
            }
            if (_platform.MoveNew(_temporary, Place.Path)) return;
            // somebody made the name in the meantime
            if (_conflict == "overwrite")
            {
                _replaces = true;
                SetAttributes(Place.Look());
            }
            else if (_conflict == "rename") Place = Place.Renamed(Names.Free(Place));
            else throw Exists(Place.Look(), Place.Path);
        }
    }

    void CheckStillFile()
    {
        Facts found = Place.Look();
        if (found == null || found.Kind == "file") return;
        string kind = found.Kind == "device" ? "special" : found.Kind;
        throw new Refused("is-" + kind, "the destination became a " + kind, Place.Path);
    }

    /// <summary>Idempotent; without `keep` a temporary file goes.</summary>
    public void Close(bool keep)
    {
        if (_file != null) _file.Close();
        _file = null;
        if (_temporary != null && (!keep || _inPlace))
        {
            try { _platform.Delete(_temporary); }
            catch (SystemError error) { Log.Warning("removing " + _temporary + ": " + error.Message); }
        }
        Leftovers.Forget(this);
        _temporary = null;
        Place.Dispose();
    }
}

}
