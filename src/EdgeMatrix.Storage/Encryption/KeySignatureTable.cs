namespace EdgeMatrix.Storage.Encryption;

/// <param name="Target">What is signed: the id of a device, or the public key of a cross-signing key.</param>
/// <param name="Signer">User id.</param>
public sealed record KeySignatureRow(string Target, string Signer, string KeyId, string Signature);

/// <summary>The <c>key_signatures</c> table: what was signed after it was uploaded.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing</remarks>
public static class KeySignatureTable
{
    private const string SetSql = """
        INSERT INTO key_signatures (target_user, target, signer, key_id, signature, position) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (target_user, target, signer, key_id) DO UPDATE SET signature = excluded.signature, position = excluded.position
        """;

    private const string VisibleSql = """
        SELECT s.target, u.user_id, s.key_id, s.signature FROM key_signatures s JOIN users u ON u.nid = s.signer
        WHERE s.target_user = ?1 AND (s.signer = ?1 OR s.signer = ?2) ORDER BY s.target
        """;

    private const string SignedBetweenSql = """
        SELECT DISTINCT target_user FROM key_signatures WHERE signer = ?1 AND position > ?2 AND position <= ?3 AND target_user <> ?1
        """;

    private const string DeleteSql = "DELETE FROM key_signatures WHERE target_user = ? AND target = ?";

    /// <param name="targetUser">Nid of the user whose key is signed.</param>
    /// <param name="signer">Nid of the user who signs.</param>
    public static void Set(
        WriteTransaction db, long targetUser, string target, long signer, string keyId, string signature, long position)
    {
        using var upsert = db.Prepare(SetSql).Bind(targetUser).Bind(target).Bind(signer).Bind(keyId).Bind(signature).Bind(position);
        upsert.Run();
    }

    /// <summary>The signatures on keys of a user that somebody may see: those of the user, and of whoever asks.</summary>
    public static List<KeySignatureRow> Visible(Session db, long targetUser, long viewer)
    {
        using var query = db.Prepare(VisibleSql).Bind(targetUser).Bind(viewer);
        var rows = new List<KeySignatureRow>();
        while (query.Step())
        {
            rows.Add(new KeySignatureRow(query.Text(0), query.Text(1), query.Text(2), query.Text(3)));
        }

        return rows;
    }

    /// <summary>Nids of the others whose keys a user signed after one stream position, up to another.</summary>
    public static List<long> SignedBetween(Session db, long signer, long after, long upTo)
    {
        using var query = db.Prepare(SignedBetweenSql).Bind(signer).Bind(after).Bind(upTo);
        var users = new List<long>();
        while (query.Step())
        {
            users.Add(query.Int64(0));
        }

        return users;
    }

    /// <summary>Deletes the signatures on one key.</summary>
    public static void DeleteOf(WriteTransaction db, long targetUser, string target)
    {
        using var delete = db.Prepare(DeleteSql).Bind(targetUser).Bind(target);
        delete.Run();
    }
}
