using System;
using System.Collections.Generic;
using System.Text;

namespace Guestwire
{

// A bundle: many small files in one stream (section 6).

/// <summary>`Words` lead to the directory of the name `Last`, which is empty if
/// the record is about that directory itself.</summary>
class Record
{
    public const int HeadBytes = 16;

    public readonly int Number, Mode;       // -1: no mode
    public readonly ulong Mtime;
    public readonly int Start;              // of the contents
    public readonly uint Size;
    public readonly string Name, Words, Last;

    public Record(int number, byte[] stream, int at)
    {
        int length = stream[at] << 8 | stream[at + 1], mode = stream[at + 2] << 8 | stream[at + 3];
        Number = number;
        Mode = mode == Wire.NoMode ? -1 : mode;
        Size = Bytes.U32(stream, at + 4);
        Mtime = Bytes.U64(stream, at + 8);
        Start = at + HeadBytes + length;
        if (Start > stream.Length) return;  // the caller sees it
        Name = Text(stream, at + HeadBytes, length);
        int slash = Name.LastIndexOf('/');
        Last = Name.Substring(slash + 1);
        Words = slash < 0 ? "" : Name.Substring(0, slash);
        if (Name.StartsWith("/", StringComparison.Ordinal)) Words = "/" + Words;    // an empty part, which leads nowhere
    }

    /// <summary>What is no UTF-8 becomes a name that no file can have.</summary>
    static string Text(byte[] stream, int at, int length)
    {
        try { return new UTF8Encoding(false, true).GetString(stream, at, length); }
        catch (ArgumentException) { return Encoding.ASCII.GetString(stream, at, length).Replace('?', '\0'); }
    }

    public bool IsDirectory { get { return Last.Length == 0; } }
    public bool HasMtime { get { return Mtime != Wire.NoMtime; } }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Time
    {
        get
        {
            if (HasMtime && Mtime > long.MaxValue) throw new Refused("bad-request", "mtime is out of range");
            return HasMtime ? (long)Mtime : 0;
        }
    }

    public int Depth
    {
        get
        {
            int depth = 0;
            foreach (char c in Name) if (c == '/') depth++;
            return depth;
        }
    }
}

/// <summary>The directories that the names of a bundle lead to, each held. They
/// are entered one part at a time and never by a link, so nothing leads away
/// from the bundle's own directory.</summary>
class Folders
{
    readonly Platform _platform = Platform.Current;
    readonly Dictionary<string, IDisposable> _held = new Dictionary<string, IDisposable>();
    readonly string _top;
    readonly bool _nameless;                // of nothing on this drive it can be told where it really is

    public Folders(Location place)
    {
        _top = place.Directory;
        string real;
        using (_platform.Hold(_top, out real)) _nameless = real == null;
    }

    /// <summary>The path of a directory; SystemError where there is none.</summary>
    public string Enter(string words)
    {
        if (words.Length == 0) return _top;
        if (_held.ContainsKey(words)) return _platform.Join(_top, words.Replace('/', _platform.Separator));
        string path = PathOf(words);
        _held[words] = Hold(path);
        return path;
    }

    /// <summary>Of what has the name at the end of `words`.</summary>
    public string PathOf(string words)
    {
        int slash = words.LastIndexOf('/');
        return _platform.Join(Enter(slash < 0 ? "" : words.Substring(0, slash)), Checked(words.Substring(slash + 1)));
    }

    public string Checked(string name)
    {
        if (name.Length == 0 || name == "." || name == ".." || name.IndexOf('\0') >= 0
            || name.IndexOf(_platform.Separator) >= 0) throw new Refused("bad-name", "no name for a file");
        _platform.CheckName(name);
        return name;
    }

    IDisposable Hold(string path)
    {
        Facts found = _platform.Look(path);
        if (found == null) throw new SystemError("no-directory", null, "there is no such directory", false);
        string real = null;
        IDisposable hold = found.Kind == "directory" ? _platform.Hold(path, out real) : null;
        // what is held may be behind a link that took its place since
        if (hold != null && (real == null ? _nameless : _platform.SameName(real, path))) return hold;
        if (hold != null) hold.Dispose();
        throw new SystemError("not-a-directory", null, "not a directory", false);
    }

    public void LeaveIfMany() { if (_held.Count > Wire.FoldersMax) Leave(); }

    /// <summary>Idempotent.</summary>
    public void Leave()
    {
        foreach (IDisposable hold in _held.Values) hold.Dispose();
        _held.Clear();
    }
}

delegate void Visit(string directory);

delegate void Work(Record record);

/// <summary>Stays in memory until its hash has been checked; then the files are written one after the other. What fails
/// is `left` to the host, which puts it alone and so learns why.</summary>
class Bundle : Upload
{
    const int Execute = 0x49;               // bits of a mode
    readonly Platform _platform = Platform.Current;
    readonly Location _place;
    readonly UploadOptions _options;
    readonly bool _compares;                // no contents: the host asks what is there
    readonly Folders _folders;
    readonly Visit _newFolder;              // gets a directory that was there before
    readonly List<Record> _records = new List<Record>();
    readonly List<int> _left = new List<int>(), _unchanged = new List<int>(), _absent = new List<int>(),
        _lacksExecute = new List<int>();
    readonly Dictionary<string, bool> _seen = new Dictionary<string, bool>();   // directories, by their words
    readonly Dictionary<string, string> _names = new Dictionary<string, string>(Platform.Current.NameComparer);
    readonly SortedDictionary<string, List<int>> _noted
        = new SortedDictionary<string, List<int>>(StringComparer.Ordinal);  // by the kind of the note
    byte[] _content;

    public Bundle(Location place, Fields fields, bool compares, Visit newFolder)
    {
        _place = place;
        _options = new UploadOptions(fields);
        if (_options.Size < 0 || _options.Size > Wire.BundleMax)
            throw new Refused("bad-request", "a bundle is of at most " + Wire.BundleMax + " bytes");
        _compares = compares;
        _newFolder = newFolder;
        _content = new byte[_options.Size];
        Stream = new IncomingStream(this, _options, Keep);
        try { _folders = new Folders(place); }
        catch (SystemError error) { throw error.Refuse(place.Path); }
    }

    public override Location Place { get { return _place; } }

    void Keep(byte[] data, int offset, int count)
    {
        Buffer.BlockCopy(data, offset, _content, (int)Stream.Received, count);
    }

    public override Fields Answer()
    {
        Fields fields = base.Answer();
        if (_left.Count > 0) fields.Add("left", NumberList(_left));
        if (_unchanged.Count > 0) fields.Add("unchanged", NumberList(_unchanged));
        if (_absent.Count > 0) fields.Add("absent", NumberList(_absent));
        if (_lacksExecute.Count > 0) fields.Add("lacks-execute", NumberList(_lacksExecute));
        foreach (KeyValuePair<string, List<int>> noted in _noted)
        {
            noted.Value.Sort();
            fields.Add("note-" + noted.Key, NumberList(noted.Value));
        }
        return fields;
    }

    /// <summary>Ascending numbers as text: 3,7-9.</summary>
    static string NumberList(List<int> numbers)
    {
        StringBuilder made = new StringBuilder();
        for (int i = 0; i < numbers.Count; i++)
        {
            int first = numbers[i];
            while (i + 1 < numbers.Count && numbers[i + 1] == numbers[i] + 1) i++;
            made.Append(made.Length > 0 ? "," : "").Append(first);
            if (numbers[i] > first) made.Append('-').Append(numbers[i]);
        }
        return made.ToString();
    }

    /// <summary>The directories, in which later requests may have something to do, are made at once.</summary>
    public override void BeginFinishing()
    {
        Parse();
        if (_compares) return;
        try
        {
            foreach (Record record in _records)
                if (record.IsDirectory && !record.HasMtime) Attempt(MakeDirectory, record);
        }
        finally { _folders.Leave(); }
    }

    void Parse()
    {
        int end = (int)Stream.Received;
        if (_content.Length != end) Array.Resize(ref _content, end);
        for (int at = 0; at < end; )
        {
            if (_records.Count == Wire.RecordsMax || end - at < Record.HeadBytes)
                throw new Refused("bad-request", "more than " + Wire.RecordsMax + " records, or half a one", Place.Path);
            Record record = new Record(_records.Count, _content, at);
            long next = record.Start + (_compares ? 0L : record.Size);
            if (next > end || record.Start == at + Record.HeadBytes || record.Depth > Wire.DepthMax)
                throw new Refused("bad-request", "a record that is cut off or has no proper name", Place.Path);
            _records.Add(record);
            at = (int)next;
        }
    }

    public override void Finish()
    {
        try
        {
            foreach (Record record in _records)
                if (_compares) Attempt(Compare, record);
                else if (!record.IsDirectory) Attempt(WriteFile, record);
            foreach (Record record in _records)
                if (!_compares && record.IsDirectory && record.HasMtime) Attempt(SetAttributes, record);
        }
        finally { _folders.Leave(); }
        _left.Sort();
    }

    public override void Close(bool failed)
    {
        _place.Dispose();
        State = UploadState.Over;
    }

    void Attempt(Work work, Record record)
    {
        if (IsCancelled) throw new Refused("cancelled", "cancelled", Place.Path);
        try { work(record); }
        catch (SystemError error) { LeaveToHost(record, error); }
        catch (Refused error) { LeaveToHost(record, error); }
        _folders.LeaveIfMany();
    }

    void LeaveToHost(Record record, Exception why)
    {
        Log.Debug("left to the host: " + record.Name + ": " + why.Message);
        if (!_compares) _left.Add(record.Number);
    }

    void Note(Record record, Notes notes)
    {
        foreach (string kind in notes.Kinds)
        {
            if (!_noted.ContainsKey(kind)) _noted[kind] = new List<int>();
            _noted[kind].Add(record.Number);
        }
    }

    // -- directories ---------------------------------------------------------

    void MakeDirectory(Record record)
    {
        string path = _folders.PathOf(record.Words);
        if (!_platform.MakeDirectory(path))
        {
            _folders.Enter(record.Words);   // SystemError if it is none
            return;
        }
        _seen[record.Words] = true;
        Notes notes = new Notes();
        if (record.Mode >= 0) _platform.SetAttributes(path, record.Mode, false, 0, notes);
        int slash = record.Words.LastIndexOf('/');
        if (_platform.IsForeign(_folders.Enter(slash < 0 ? "" : record.Words.Substring(0, slash)))) notes.Add("owner");
        Note(record, notes);
    }

    void SetAttributes(Record record)
    {
        string path = _folders.PathOf(record.Words);
        Facts found = _platform.Look(path);
        if (found == null || found.Kind != "directory")
            throw new Refused("not-a-directory", "there is no such directory", path);
        Notes notes = new Notes();
        _platform.SetAttributes(path, record.Mode, true, record.Time, notes);
        Note(record, notes);
    }

    // -- files ---------------------------------------------------------------

    void Compare(Record record)
    {
        Facts found;
        try { found = _platform.Look(_platform.Join(_folders.Enter(record.Words), _folders.Checked(record.Last))); }
        catch (SystemError error)
        {
            if (error.Code != "no-directory") throw;
            found = null;
        }
        if (found == null) _absent.Add(record.Number);
        else if (record.HasMtime && Destination.IsUnchanged(found, record.Size, record.Time))
        {
            _unchanged.Add(record.Number);
            if (found.Mode >= 0 && record.Mode >= 0 && (record.Mode & ~found.Mode & Execute) != 0)
                _lacksExecute.Add(record.Number);
        }
    }

    void WriteFile(Record record)
    {
        string folder = _folders.Enter(record.Words);
        string name = _folders.Checked(record.Last);
        CheckSpelling(record);
        if (!_seen.ContainsKey(record.Words)) _newFolder(folder);
        _seen[record.Words] = true;
        Destination file = new Destination(new Location(folder, name, null),
                                           _options.Conflict == "overwrite" ? "overwrite" : "fail", record.Mode,
                                           record.HasMtime, record.Time);
        try
        {
            file.Settle(file.Place.Look());
            if (file.IsDevice) throw new Refused("is-special", "not for a bundle", file.Place.Path);
            file.CheckReplaceable();
            file.OpenTemporary(record.Size);
            file.CheckSpace(record.Size, 0);
            file.Write(_content, record.Start, (int)record.Size);
            file.Flush();
            file.TakeName();
        }
        finally { file.Close(false); }
        Note(record, file.Notes);
    }

    /// <summary>Two names that differ for the host and not here must not become
    /// one file unnoticed.</summary>
    void CheckSpelling(Record record)
    {
        string before;
        if (_names.TryGetValue(record.Name, out before) && before != record.Name)
            throw new Refused("exists", "here it is the name " + before, record.Name);
        _names[record.Name] = record.Name;
    }
}

}
