using System;
using System.Text;

namespace Guestwire
{

partial class Requests
{
    void Stat(int stream, Fields fields, byte[] path)
    {
        string wanted = fields.Ascii("hash");
        if (wanted != null && wanted != "sha256") throw new Refused("unsupported", "hash unknown");
        Location place;
        try { place = _root.Locate(path, fields.Ascii("follow") != "0"); }
        catch (Refused error)
        {
            if (error.Code != "no-directory") throw;
            Done(stream, new Fields().Add("type", "none").Add("path", _root.Absolute(path)));
            return;
        }
        bool kept = false;
        try
        {
            Facts found = place.Look();
            Fields made = Describe(place, found);
            if (wanted == null || found == null || found.Kind != "file")
            {
                Done(stream, made);
                return;
            }
            kept = true;
            Open(stream, new Request());
            _worker.SubmitLong(delegate { Hash(stream, place, made); });
        }
        finally { if (!kept) place.Dispose(); }
    }

    static Fields Describe(Location place, Facts found)
    {
        Platform platform = Platform.Current;
        Fields made = new Fields().Add("type", found == null ? "none" : found.Kind).Add("path", place.Path);
        if (found != null)
        {
            if (found.Kind == "file") made.Add("size", found.Size);
            if (found.Mtime != 0) made.Add("mtime", Arguments.TimeText(found.Mtime));
            if (found.Mode >= 0) made.Add("mode", Convert.ToString(found.Mode, 8));
            if (found.Kind == "symlink")
            {
                try { made.Add("target", platform.ReadLink(place.Path)); }
                catch (SystemError) { }     // gone since: the rest is still what was asked
            }
        }
        bool inside = found != null && found.Kind == "directory";
        long free = place.Directory.Length == 0 ? -1 : platform.FreeBytes(inside ? place.Path : place.Directory);
        if (free >= 0) made.Add("free", free);
        return made;
    }

    void Hash(int stream, Location place, Fields made)
    {
        try
        {
            using (place) made.Add("sha256", HashFile(place.Path));
        }
        catch (Exception error)
        {
            if (!_closed) Fail(stream, error);
            return;
        }
        if (!_closed) Done(stream, made);
    }

    string HashFile(string path)
    {
        OpenFile file = OpenRegular(path);
        try
        {
            Sha256 hash = new Sha256();
            byte[] buffer = new byte[Wire.Chunk];
            int count;
            while (!_closed && (count = file.Read(buffer, 0, buffer.Length)) > 0) hash.Add(buffer, 0, count);
            return hash.FinishHex();
        }
        catch (SystemError error) { throw error.RefuseWrite(path); }
        finally { file.Close(); }
    }

    static OpenFile OpenRegular(string path)
    {
        OpenFile file;
        try { file = Platform.Current.Open(path, false); }
        catch (SystemError error) { throw error.Refuse(path); }
        if (file.Look().Kind == "file") return file;
        file.Close();
        throw new Refused("is-special", "no longer a regular file", path);
    }

    // -- the others -------------------------------------------------------------

    static byte[] WithoutSlashes(byte[] path)
    {
        int length = path.Length;
        while (length > 1 && (path[length - 1] == '/' || path[length - 1] == Platform.Current.Separator)) length--;
        byte[] made = new byte[length];
        Buffer.BlockCopy(path, 0, made, 0, length);
        return made;
    }

    void MakeDirectory(int stream, Fields fields, byte[] path)
    {
        int mode = Arguments.Mode(fields);
        path = WithoutSlashes(path);
        using (Location place = _root.Locate(path, false))
        {
            bool made;
            Notes notes = new Notes();
            try
            {
                made = place.Name.Length > 0 && Platform.Current.MakeDirectory(place.Path);
                if (made && mode >= 0) Platform.Current.SetAttributes(place.Path, mode, false, 0, notes);
                if (made && Platform.Current.IsForeign(place.Directory)) notes.Add("owner");
            }
            catch (SystemError error) { throw error.Refuse(place.Path); }
            Fields answer = notes.AddTo(new Fields().Add("path", place.Path));
            if (!made)
            {
                using (Location target = _root.Locate(path, true))
                {
                    Facts found = target.Look();
                    if (found == null || found.Kind != "directory")
                        throw new Refused("not-a-directory", "the name exists and is no directory", place.Path, "EEXIST", null);
                }
                answer.Add("existed", 1);
            }
            Done(stream, answer);
        }
    }

    void MakeLink(int stream, Fields fields, byte[] path)
    {
        string conflict = Arguments.Conflict(fields);
        byte[] raw = fields["target"];
        if (raw == null || raw.Length == 0 || Array.IndexOf(raw, (byte)0) >= 0)
            throw new Refused("bad-request", "target is missing or invalid");
        string target = Encoding.UTF8.GetString(raw);
        using (Location place = _root.Locate(WithoutSlashes(path), false))
        {
            try
            {
                string name = place.Name;
                Facts found = place.Look();
                string skipped = found == null ? null : SettleLink(place, found, target, conflict);
                if (found != null && skipped == null && conflict == "rename") name = Names.Free(place);
                Fields answer = new Fields().Add("path", place.Beside(name));
                if (skipped != null) answer.Add("skipped", skipped);
                else if (found == null || conflict == "rename") Platform.Current.MakeLink(target, place.Beside(name));
                else ReplaceByLink(place, target);
                Done(stream, answer);
            }
            catch (SystemError error)
            {
                if (error.Code == "exists") throw Destination.Exists(place.Look(), place.Path);
                throw error.Refuse(place.Path);
            }
        }
    }

    static void ReplaceByLink(Location place, string target)
    {
        string path = place.Beside(Names.Temporary());
        Platform.Current.MakeLink(target, path);
        try { Platform.Current.Replace(path, place.Path); }
        catch (SystemError)
        {
            Platform.Current.Delete(path);
            throw;
        }
    }

    static string SettleLink(Location place, Facts found, string target, string conflict)
    {
        if (found.Kind == "symlink" && Platform.Current.ReadLink(place.Path) == target) return "identical";
        if (conflict == "skip") return "exists";
        if (conflict == "rename" && place.Name.Length > 0) return null;
        if (found.Kind != "symlink" && found.Kind != "file")
        {
            string kind = found.Kind == "device" ? "special" : found.Kind;
            throw new Refused("is-" + kind, "the name exists and is a " + kind, place.Path);
        }
        if (conflict == "newer") return "not-newer";
        if (conflict == "fail") throw Destination.Exists(found, place.Path);
        return null;
    }

    void SetAttributes(int stream, Fields fields, byte[] path)
    {
        int mode = Arguments.Mode(fields), execute = Arguments.Octal(fields, "execute");
        long mtime;
        bool hasMtime = Arguments.Mtime(fields, out mtime);
        string refused = fields.Ascii("refused");
        if (refused != null && refused != "note") throw new Refused("unsupported", "refused unknown");
        Notes notes = new Notes(refused == null);
        Location place;
        try { place = _root.Locate(path, true); }
        catch (Refused error)
        {
            if (error.Code == "no-directory") error.Code = "not-found";
            throw;
        }
        using (place)
        {
            Facts found = place.Look();
            if (found == null) throw new Refused("not-found", "there is no such file", place.Path, "ENOENT", null);
            if (found.Kind != "file" && found.Kind != "directory")
                throw new Refused(found.Kind == "symlink" ? "is-symlink" : "is-special", "not a file or directory", place.Path);
            try
            {
                if (execute > 0 && found.Kind == "file") Platform.Current.AddExecute(place.Path, execute, notes);
                Platform.Current.SetAttributes(place.Path, mode, hasMtime, mtime, notes);
            }
            catch (SystemError error) { throw error.Refuse(place.Path); }
            Done(stream, notes.AddTo(new Fields()));
        }
    }
}

}
