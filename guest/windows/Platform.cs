using System;
using System.Collections.Generic;
using System.Threading;

namespace Guestwire
{

// What the operating system does for us. All that differs from one to another is behind this.

/// <summary>What there is under a name; the name itself, not where a link leads.</summary>
class Facts
{
    public string Kind;                     // as `type` of stat
    public long Size;
    public long Mtime;                      // nanoseconds since 1970
    public int Mode = -1;                   // -1: the system has none
    public bool OnlyLink = true;
    public bool Ours = true;                // belongs to the receiver's user
}

abstract class OpenFile
{
    public abstract int Read(byte[] data, int offset, int count);
    public abstract void Write(byte[] data, int offset, int count);
    public abstract void Seek(long position);
    public abstract void Truncate();        // to nothing
    public abstract void Reserve(long size);        // room for what it will grow to; SystemError if there is none
    public abstract void CutOff();          // what is behind the position
    public abstract void Flush();
    public abstract void SetMode(int mode, Notes notes);    // -1: what a new file has
    public abstract void SetTime(long mtime, Notes notes);

    /// <summary>Gives a new file at the path `own`, which only its owner may use so far, what the one at `old` has:
    /// owner, access control list, mode with more execute bits (-1: none). At no time more users may read it than may
    /// read that one.</summary>
    public abstract void TakeOver(string own, string old, int execute, Notes notes);

    public abstract Facts Look();
    public abstract void Close();
}

/// <summary>An open serial line, console or channel.</summary>
abstract class Device
{
    public string Kind;

    /// <summary>The number of bytes read; 0 if no host is at the other end, -1
    /// if none came for half a second, or, where Interrupt does anything, until
    /// it was called. `wanted` is the rest of the frame begun.</summary>
    public abstract int Read(byte[] data, int offset, int room, int wanted);

    /// <summary>After Read said 0: waits until it may say something else, or for a while.</summary>
    public virtual void AwaitHost() { Thread.Sleep(200); }

    /// <summary>Ends a wait of another thread.</summary>
    public virtual void Interrupt() { }

    /// <summary>The number of bytes written, perhaps 0, after at most half a second.</summary>
    public abstract int Write(byte[] data, int offset, int count);

    public abstract bool InputWaits();
    public abstract void Drain(double limit);
    public abstract void Close();
}

/// <summary>A path as the system takes it, in two parts. Name is empty for the
/// directory itself.</summary>
class Place
{
    public string Directory, Name;
    public bool IsNul;                      // Windows' null device, which is in no directory
}

abstract partial class Platform
{
    /// <summary>Null where there is none for the system this runs on.</summary>
    public static readonly Platform Current = Choose();

    static Platform Choose()
    {
        if (Environment.OSVersion.Platform == PlatformID.Win32NT) return new WindowsPlatform();
        Platform found = null;
        ChooseOther(ref found);
        return found;
    }

    /// <summary>The tests, which have no Windows, add one. Without a body it and its call are left out.</summary>
    static partial void ChooseOther(ref Platform found);

    public abstract string System { get; }
    public abstract char Separator { get; }
    public abstract string Capabilities { get; }
    public abstract string Home { get; }

    // paths
    public abstract Place Parse(string path, string root);
    public abstract bool IsAbsolute(string path);
    public abstract IDisposable Hold(string directory, out string real);   // null: it has no final name
    public abstract string Parent(string directory);        // null at the top
    public abstract StringComparer NameComparer { get; }    // says which names mean the same file
    public abstract void CheckName(string name);            // Refused if the system would read it as something else

    // files; a path is one that Parse made
    public abstract Facts Look(string path);                // null if there is nothing
    public abstract OpenFile Create(string path);           // fails if it exists; not shared
    public abstract OpenFile Open(string path, bool exclusively);
    public abstract OpenFile OpenDevice(string path);
    public abstract bool MayWrite(string path);
    public abstract OpenFile OpenToOverwrite(string path);
    public abstract OpenFile CreateSpool(long size);        // where temporary files go; gone once it's closed
    public abstract void Replace(string from, string to);
    public abstract bool MoveNew(string from, string to);   // false if `to` exists
    public abstract void CheckReplaceable(string path);
    public abstract void Delete(string path);
    public abstract bool DeleteUnused(string path);         // false if a receiver has it open
    public abstract bool MakeDirectory(string path);        // false if it exists
    public abstract void SetAttributes(string path, int mode, bool hasMtime, long mtime, Notes notes);
    public abstract void AddExecute(string path, int bits, Notes notes);    // to a file; else its mode stays
    public abstract string ReadLink(string path);
    public abstract void MakeLink(string target, string path);
    public abstract List<string> Temporaries(string directory);     // names that begin ".guestwire-"
    public abstract long FreeBytes(string directory);       // -1: unknown
    public abstract void FlushDirectory(string directory);
    public abstract bool IsForeign(string directory);       // what is made there isn't its owner's

    // ports
    public abstract string PortName(string name);
    public abstract string DeviceKind(string port);
    public abstract Device OpenPort(string port, int speed);
    public abstract List<string> FindPorts();
    public abstract void OnStop(Job stop);

    public bool SameName(string a, string b) { return NameComparer.Equals(a, b); }

    public string Join(string directory, string name)
    {
        if (name.Length == 0) return directory;
        return directory[directory.Length - 1] == Separator ? directory + name : directory + Separator + name;
    }
}

}
