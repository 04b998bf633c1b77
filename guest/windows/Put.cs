using System;

namespace Guestwire
{

/// <summary>One file being received; what is there may be its basis, a partial file may be gone on from.</summary>
class Put : Upload
{
    readonly Platform _platform = Platform.Current;
    readonly UploadOptions _options;
    readonly Destination _destination;
    readonly bool _wantsResume, _wantsBasis;
    readonly string _sentPath, _sentName;   // before `rename`
    bool _usesPartial;                      // the temporary file may be kept
    string _partialHash;

    public Put(Location place, Fields fields)
    {
        _sentPath = place.Path;
        _sentName = place.Name;
        _options = new UploadOptions(fields);
        _destination = new Destination(place, _options.Conflict, _options.Mode, _options.HasMtime, _options.Mtime);
        _wantsResume = fields.Yes("resume");
        _wantsBasis = fields.Yes("basis");
        Stream = new IncomingStream(this, _options, _destination.Write);
    }

    public override Location Place { get { return _destination.Place; } }
    public override Fields Answer() { return _destination.Notes.AddTo(base.Answer()); }
    public int UnchangedMode = -1;          // of a file that is unchanged
    public bool IsDevice { get { return _destination.IsDevice; } }

    /// <summary>True if Prepare may take long.</summary>
    public bool Resumes { get { return _wantsResume && !IsDevice; } }

    // -- begin ---------------------------------------------------------------

    /// <summary>Looks at the destination. Returns null, or why it is skipped.</summary>
    public string Begin()
    {
        Facts found = Place.Look();
        bool compares = found != null && _options.SkipsUnchanged && _options.HasMtime;
        if (compares && Destination.IsUnchanged(found, _options.Size, _options.Mtime))
        {
            UnchangedMode = found.Mode;
            return "unchanged";
        }
        return _destination.Settle(found);
    }

    /// <summary>Opens what is written to and read from.</summary>
    public void Prepare()
    {
        try
        {
            if (IsDevice)
            {
                _destination.OpenDevice();
                return;
            }
            _destination.CheckReplaceable();
            if (_wantsBasis) OpenBasis();
            if (_wantsResume) OpenPartial();
            if (!_destination.IsOpen) _destination.OpenTemporary(_options.Size);
            _destination.CheckSpace(_options.Size, Stream.Offered);
        }
        catch (SystemError error) { throw error.Refuse(Place.Path); }
    }

    void OpenBasis()
    {
        try
        {
            Facts found = _platform.Look(_sentPath);
            if (found == null || found.Kind != "file") return;
            OpenFile basis = _platform.Open(_sentPath, false);
            Stream.SetBasis(basis, -1);
            found = basis.Look();
            if (found.Kind == "file") Stream.SetBasis(basis, found.Size);
        }
        catch (SystemError error) { Log.Debug("no basis: " + error.Message); }
    }

    public Fields Accepted()
    {
        Fields fields = new Fields().Add("path", Place.Path).Add("kind", IsDevice ? "device" : "file");
        if (Stream.BasisSize >= 0) fields.Add("basis", Stream.BasisSize);
        if (Stream.Offered > 0 && _partialHash != null)
            fields.Add("partial", Stream.Offered).Add("partial-sha256", _partialHash);
        return fields;
    }

    // -- resumption ----------------------------------------------------------

    void OpenPartial()
    {
        string path = Place.Beside(Names.Partial(_sentName));
        OpenFile file;
        try { file = _platform.Create(path); }
        catch (SystemError error)
        {
            if (error.Code == "permission" || error.Code == "read-only-filesystem") return;     // no other can be made either
            if (error.Code != "exists") throw;
            file = OpenOldPartial(path);
            if (file == null) return;       // it isn't ours: use an ordinary temporary file
        }
        _destination.Use(file, path);
        _usesPartial = true;
        if (Stream.Offered > 0) HashPartial();
    }

    OpenFile OpenOldPartial(string path)
    {
        OpenFile file = null;
        try
        {
            Facts found = _platform.Look(path);
            if (found == null || found.Kind != "file") return null;
            file = _platform.Open(path, true);
            found = file.Look();
            if (found.Kind == "file" && found.OnlyLink && found.Ours)
            {
                if (_options.Size >= 0 && found.Size > _options.Size) file.Truncate();
                else Stream.Offer(found.Size, _destination.Truncate);
                return file;
            }
        }
        catch (SystemError error) { Log.Debug(path + ": " + error.Message); }
        if (file != null) file.Close();
        return null;
    }

    /// <summary>Makes two hashes, one to tell the host and one to go on with: .NET can't copy one.</summary>
    void HashPartial()
    {
        Sha256 told = new Sha256();
        byte[] buffer = new byte[Wire.Step];
        for (long at = 0; at < Stream.Offered; )
        {
            if (IsInterrupted) return;
            int count = _destination.Read(buffer, (int)Math.Min(buffer.Length, Stream.Offered - at));
            if (count <= 0) throw new Refused("io", "the partial file became shorter", Place.Path);
            told.Add(buffer, 0, count);
            Stream.AddOffered(buffer, count);
            at += count;
        }
        _partialHash = told.FinishHex();
    }

    // -- end -----------------------------------------------------------------

    public override void Finish()
    {
        if (IsDevice) return;
        try
        {
            _destination.Flush();
            if (IsCancelled) throw new Refused("cancelled", "cancelled", Place.Path);
            Stream.CloseBasis();            // Windows replaces no file that is open
            _destination.TakeName();
        }
        catch (SystemError error) { throw error.Refuse(Place.Path); }
    }

    public override void Close(bool failed)
    {
        // until the host has decided, a partial file is as long as it was
        long there = Stream.Offered > 0 ? Stream.Offered : Stream.Received;
        Stream.CloseBasis();
        _destination.Close(!failed && KeepsPartial && _usesPartial && there >= Wire.PartialMin);
        State = UploadState.Over;
    }
}

}
