using System;
using System.Text;

namespace Guestwire
{

/// <summary>A name in a directory that is held open, so that no other can take its place. Name is empty for the directory
/// itself.</summary>
class Location : IDisposable
{
    public readonly string Directory, Name;
    IDisposable _hold;

    public Location(string directory, string name, IDisposable hold)
    {
        Directory = directory;
        Name = name;
        _hold = hold;
    }

    public string Path { get { return Directory.Length == 0 ? Name : Platform.Current.Join(Directory, Name); } }

    public string Beside(string name) { return Platform.Current.Join(Directory, name); }

    /// <summary>Null if nothing has that name.</summary>
    public Facts Look()
    {
        try { return Platform.Current.Look(Path); }
        catch (SystemError error) { throw error.Refuse(Path); }
    }

    /// <summary>The same directory with another name; takes the hold over.</summary>
    public Location Renamed(string name)
    {
        Location other = new Location(Directory, name, _hold);
        _hold = null;
        return other;
    }

    public void Dispose()
    {
        if (_hold != null) _hold.Dispose();
        _hold = null;
    }
}

/// <summary>The directory where relative paths begin. If confined, nothing outside it is touched.</summary>
class Root
{
    readonly Platform _platform = Platform.Current;
    public readonly bool Confined;
    public readonly string Path;

    public Root(string path)
    {
        Confined = path != null;
        string start = Environment.CurrentDirectory;
        Place place = _platform.Parse(path ?? start, start);
        using (_platform.Hold(_platform.Join(place.Directory, place.Name), out Path)) { }
        if (Path != null) return;
        if (Confined) throw new Refused("bad-name", "on this drive nothing can be kept inside a directory");
        Path = _platform.Join(place.Directory, place.Name);
    }

    static string Text(byte[] path)
    {
        if (path.Length == 0) throw new Refused("bad-request", "empty path");
        string text;
        try { text = new UTF8Encoding(false, true).GetString(path); }
        catch (ArgumentException) { throw new Refused("bad-name", "the path is not UTF-8", Encoding.UTF8.GetString(path)); }
        if (text.IndexOf('\0') >= 0) throw new Refused("bad-name", "NUL in a path", text);
        return text;
    }

    Place Parse(string text)
    {
        try { return _platform.Parse(text, Path); }
        catch (Refused error)
        {
            error.Path = text;
            throw;
        }
    }

    /// <summary>The whole path, whether it exists or not.</summary>
    public string Absolute(byte[] path)
    {
        Place place = Parse(Text(path));
        return _platform.Join(place.Directory, place.Name);
    }

    /// <summary>Finds a path as a host writes it; Refused if it can't be reached. `follow`: follows a symbolic link at its
    /// end, too.</summary>
    public Location Locate(byte[] path, bool follow)
    {
        string text = Text(path);
        Location place = Locate(text, text);
        try
        {
            for (int links = 1; follow && place.Name.Length > 0; links++)
            {
                Facts found = place.Look();
                if (found == null || found.Kind != "symlink") break;
                if (links > Wire.SymlinksMax) throw new Refused("io", "too many symbolic links", text, "ELOOP", null);
                string target = _platform.ReadLink(place.Path);
                string next = _platform.IsAbsolute(target) ? target : place.Beside(target);
                place.Dispose();
                place = Locate(next, text);
            }
            return place;
        }
        catch (SystemError error)
        {
            place.Dispose();
            throw error.Refuse(text);
        }
        catch (Refused)
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>`told` is the path as the host knows it.</summary>
    Location Locate(string text, string told)
    {
        Place place = Parse(text);
        if (place.IsNul)
        {
            if (Confined) throw Escape(told);
            return new Location("", place.Name, null);
        }
        string real;
        IDisposable hold;
        try { hold = _platform.Hold(place.Directory, out real); }
        catch (SystemError error)
        {
            if (Confined && !DeepestIsInside(place.Directory)) throw Escape(told);  // what is out there is not told
            throw error.Refuse(told);
        }
        if (real == null && !Confined) real = place.Directory;
        if (!Confined || real != null && Inside(real)) return new Location(real, place.Name, hold);
        hold.Dispose();
        if (real == null || !_platform.SameName(_platform.Join(real, place.Name), Path)) throw Escape(told);
        return new Location(Path, "", _platform.Hold(Path, out real));      // the root itself, by its whole name
    }

    static Refused Escape(string path)
    {
        return new Refused("outside-root", "the path leads out of the receiver's root", path);
    }

    bool Inside(string real)
    {
        if (_platform.SameName(real, Path)) return true;
        string prefix = _platform.Join(Path, " ").TrimEnd(' ');
        return real.Length > prefix.Length && _platform.SameName(real.Substring(0, prefix.Length), prefix);
    }

    /// <summary>Whether the existing part of the path is inside. A dangling symbolic link counts as where it leads.</summary>
    bool DeepestIsInside(string directory)
    {
        string part = directory;
        for (int links = 0; part != null && links <= Wire.SymlinksMax; )
        {
            try
            {
                string real;
                using (_platform.Hold(part, out real)) return real != null && Inside(real);
            }
            catch (SystemError) { }
            string target = TargetOf(part);
            if (target != null) links++;
            part = target ?? _platform.Parent(part);
        }
        return false;
    }

    string TargetOf(string path)
    {
        try
        {
            Facts found = _platform.Look(path);
            if (found == null || found.Kind != "symlink") return null;
            string target = _platform.ReadLink(path);
            return _platform.IsAbsolute(target) ? target : _platform.Join(_platform.Parent(path), target);
        }
        catch (SystemError) { return null; }
    }
}

}
