using System;
using System.Collections.Generic;

namespace Guestwire
{

/// <summary>What an answer says of things that a file should have besides its bytes and could not get, each once.</summary>
class Notes
{
    public readonly List<string> Kinds = new List<string>();
    readonly bool _strict;

    public Notes() { }

    /// <summary>`strict`: what the system refuses is an error after all.</summary>
    public Notes(bool strict) { _strict = strict; }

    public void Add(string kind)
    {
        if (!Kinds.Contains(kind)) Kinds.Add(kind);
    }

    /// <summary>False, and a note, if the system refuses it.</summary>
    public bool Attempt(string kind, Job work)
    {
        try
        {
            work();
            return true;
        }
        catch (SystemError error)
        {
            if (_strict) throw;
            Log.Debug("no " + kind + ": " + error.Message);
            Add(kind);
            return false;
        }
    }

    public Fields AddTo(Fields answer)
    {
        return Kinds.Count == 0 ? answer : answer.Add("notes", string.Join(",", Kinds.ToArray()));
    }
}

}
