using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace Guestwire
{

/// <summary>Temporary files that exist now, so that the end of the program can
/// remove them even if a worker hangs on its disk.</summary>
static class Leftovers
{
    static readonly Dictionary<object, string> Files = new Dictionary<object, string>();

    public static void Add(object owner, string path) { lock (Files) Files[owner] = path; }

    public static void Forget(object owner) { lock (Files) Files.Remove(owner); }

    public static void RemoveAll()
    {
        lock (Files)
        {
            foreach (string path in Files.Values)
            {
                try { Platform.Current.Delete(path); }
                catch (SystemError error) { Log.Warning("removing " + path + ": " + error.Message); }
            }
            Files.Clear();
        }
    }
}

/// <summary>Files that are being written in place. The end of the program waits for them: half of one would be worse
/// than a late end.</summary>
class Overwriting : IDisposable
{
    static readonly object Guard = new object();
    static int _count;
    static bool _over;

    public static Overwriting Begin()
    {
        lock (Guard)
        {
            if (_over) throw new Refused("cancelled", "cancelled");
            _count++;
        }
        return new Overwriting();
    }

    public void Dispose()
    {
        lock (Guard)
        {
            _count--;
            Monitor.PulseAll(Guard);
        }
    }

    /// <summary>`over`: no other may begin.</summary>
    public static void Wait(bool over)
    {
        lock (Guard)
        {
            _over = over;
            while (over && _count > 0) Monitor.Wait(Guard);
        }
    }
}

static class Names
{
    const string Prefix = ".guestwire-";

    public static string Temporary()
    {
        byte[] random = new byte[4];
        RandomNumberGenerator.Create().GetBytes(random);
        return Prefix + Sha256.Hex(random) + ".part";
    }

    /// <summary>Where a put with resume=1 collects the file of that name.</summary>
    public static string Partial(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Sha256 hash = new Sha256();
        hash.Add(bytes, 0, bytes.Length);
        return Prefix + hash.FinishHex().Substring(0, 8) + ".partial";
    }

    /// <summary>With the number of the file, which makes a name ours: a user's file may have any other name, and a copy of
    /// ours has another number.</summary>
    public static string Own(string name, Facts file)
    {
        int dot = name.LastIndexOf('.');
        return name.Substring(0, dot) + "-" + file.Number.ToString("x", CultureInfo.InvariantCulture) + name.Substring(dot);
    }

    public static bool IsOwn(string name, Facts file)
    {
        int dot = name.LastIndexOf('.'), digits = Prefix.Length + 8;
        if (dot < digits || !name.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        for (int i = Prefix.Length; i < digits; i++)
            if ("0123456789abcdef".IndexOf(name[i]) < 0) return false;
        return (name.Substring(dot) == ".part" || IsPartial(name)) && Own(name.Substring(0, digits) + name.Substring(dot), file) == name;
    }

    public static bool IsPartial(string name) { return name.EndsWith(".partial", StringComparison.Ordinal); }

    /// <summary>Paths of what may be partial files of that name.</summary>
    public static List<string> Partials(Location place, string name)
    {
        string stem = name.Substring(0, name.LastIndexOf('.')) + "-";
        List<string> paths = new List<string>();
        foreach (string one in Platform.Current.Temporaries(place.Directory))
            if (one.StartsWith(stem, StringComparison.Ordinal) && IsPartial(one)) paths.Add(place.Beside(one));
        return paths;
    }

    /// <summary>`name (2).ext`; a leading dot does not begin an extension. What would be too long loses the end of its
    /// stem, or else of its extension.</summary>
    static string Numbered(string name, int number)
    {
        int dot = name.LastIndexOf('.');
        if (dot <= 0) dot = name.Length;
        string stem = name.Substring(0, dot), suffix = " (" + number + ")", extension = name.Substring(dot);
        if (!Platform.Current.NameFits("x" + suffix + extension))
        {
            stem = name;
            extension = "";
        }
        while (stem.Length > 1 && !Platform.Current.NameFits(stem + suffix + extension))
        {
            int last = char.IsLowSurrogate(stem[stem.Length - 1]) ? 2 : 1;
            stem = stem.Substring(0, Math.Max(1, stem.Length - last));
        }
        return stem + suffix + extension;
    }

    /// <summary>The first numbered name beside `place` that is not taken.</summary>
    public static string Free(Location place)
    {
        for (int number = 2; number < 100000; number++)
        {
            string name = Numbered(place.Name, number);
            try
            {
                if (Platform.Current.Look(place.Beside(name)) == null) return name;
            }
            catch (SystemError error) { throw error.Refuse(place.Path); }
        }
        throw new Refused("exists", "too many names are taken", place.Path);
    }

    /// <summary>Removes temporary files that no receiver has open any more, and partial files that haven't changed for a
    /// week.</summary>
    public static void Sweep(string directory)
    {
        Platform platform = Platform.Current;
        long now = (DateTime.UtcNow - new DateTime(1970, 1, 1)).Ticks * 100;
        foreach (string name in platform.Temporaries(directory))
        {
            string path = platform.Join(directory, name);
            try
            {
                Facts found = platform.Look(path);
                if (found == null || !IsOwn(name, found)) continue;
                if (IsPartial(name) && now - found.Mtime < Wire.PartialDays * 86400e9) continue;
                if (platform.DeleteUnused(path)) Log.Info("removed the orphan " + path);
            }
            catch (SystemError error) { Log.Debug("orphan " + path + ": " + error.Message); }
        }
    }
}

}
