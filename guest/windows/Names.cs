using System;
using System.Collections.Generic;
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

    public static bool IsTemporary(string name) { return Is(name, ".part"); }

    public static bool IsPartial(string name) { return Is(name, ".partial"); }

    static bool Is(string name, string end)
    {
        if (name.Length != Prefix.Length + 8 + end.Length || !name.StartsWith(Prefix, StringComparison.Ordinal)
            || !name.EndsWith(end, StringComparison.Ordinal)) return false;
        for (int i = Prefix.Length; i < Prefix.Length + 8; i++)
            if ("0123456789abcdef".IndexOf(name[i]) < 0) return false;
        return true;
    }

    /// <summary>`name (2).ext`; a leading dot does not begin an extension.</summary>
    static string Numbered(string name, int number)
    {
        int dot = name.LastIndexOf('.');
        if (dot <= 0) dot = name.Length;
        return name.Substring(0, dot) + " (" + number + ")" + name.Substring(dot);
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
                if (IsPartial(name))
                {
                    Facts found = platform.Look(path);
                    if (found == null || now - found.Mtime < Wire.PartialDays * 86400e9) continue;
                }
                else if (!IsTemporary(name)) continue;
                if (platform.DeleteUnused(path)) Log.Info("removed the orphan " + path);
            }
            catch (SystemError error) { Log.Debug("orphan " + path + ": " + error.Message); }
        }
    }
}

}
