namespace EdgeMatrix.Storage;

/// <summary>What event bodies have in common, for the compressor to refer to.</summary>
/// <remarks>Never changed once shipped: bodies on disks depend on every byte. Written by hand from the specification's event types.</remarks>
internal static class EventDictionary
{
    public static ReadOnlySpan<byte> First =>
        "{\"auth_events\":[],\"content\":{\"additional_creators\":[\"@\"],\"creator\":\"@\",\"m.federate\":false,\"predecessor\":{\"event_id\":\"$\",\"room_id\":\"!\"},\"room_version\":\"12\",\"type\":\"m.space\"},\"type\":\"m.room.create\""u8
        + "\"content\":{\"alias\":\"#\",\"alt_aliases\":[]},\"m.room.canonical_alias\",\"m.room.encryption\",\"algorithm\":\"m.megolm.v1.aes-sha2\",\"rotation_period_ms\":604800000"u8
        + "\"ban\":50,\"events\":{\"m.room.avatar\":50,\"m.room.canonical_alias\":50,\"m.room.encryption\":100,\"m.room.history_visibility\":100,\"m.room.name\":50,\"m.room.power_levels\":100,\"m.room.server_acl\":100,\"m.room.tombstone\":150},\"events_default\":0,\"invite\":0,\"kick\":50,\"notifications\":{\"room\":50},\"redact\":50,\"state_default\":50,\"users\":{\"@\":100},\"users_default\":0"u8
        + "\"guest_access\":\"can_join\",\"m.room.guest_access\",\"history_visibility\":\"shared\",\"m.room.history_visibility\",\"join_rule\":\"invite\",\"m.room.join_rules\",\"m.room.name\",\"m.room.topic\",\"m.topic\":{\"m.text\":[{\"body\":\""u8
        + "\"content\":{\"avatar_url\":\"mxc://\",\"displayname\":\"\",\"is_direct\":true,\"membership\":\"leave\",\"membership\":\"invite\",\"reason\":\""u8
        + "\"content\":{\"ciphertext\":\"AwgAE\",\"device_id\":\"\",\"sender_key\":\"\",\"session_id\":\"\"},\"type\":\"m.room.encrypted\""u8
        + "\"content\":{\"body\":\"\",\"info\":{\"h\":,\"mimetype\":\"image/jpeg\",\"size\":,\"thumbnail_info\":{},\"thumbnail_url\":\"mxc://\",\"w\":},\"msgtype\":\"m.image\",\"url\":\"mxc://\",\"file\":{\"v\":\"v2\",\"key\":{\"alg\":\"A256CTR\",\"ext\":true,\"k\":\"\",\"key_ops\":[\"encrypt\",\"decrypt\"],\"kty\":\"oct\"},\"iv\":\"\",\"hashes\":{\"sha256\":\"\"}"u8
        + "\"content\":{\"m.relates_to\":{\"event_id\":\"$\",\"key\":\"\",\"rel_type\":\"m.annotation\"}},\"type\":\"m.reaction\",\"redacts\":\"$\",\"type\":\"m.room.redaction\""u8
        + "\"content\":{\"body\":\"* \",\"format\":\"org.matrix.custom.html\",\"formatted_body\":\"\",\"m.new_content\":{\"body\":\"\",\"m.mentions\":{\"user_ids\":[\"@\"]},\"msgtype\":\"m.text\"},\"m.relates_to\":{\"event_id\":\"$\",\"is_falling_back\":true,\"m.in_reply_to\":{\"event_id\":\"$\"},\"rel_type\":\"m.replace\",\"rel_type\":\"m.thread\"},\"msgtype\":\"m.notice\"}"u8
        + "{\"auth_events\":[\"$\",\"$\",\"$\"],\"content\":{\"avatar_url\":\"mxc://\",\"displayname\":\"\",\"membership\":\"join\"},\"depth\":1,\"hashes\":{\"sha256\":\"\"},\"origin_server_ts\":17,\"prev_events\":[\"$\"],\"room_id\":\"!\",\"sender\":\"@\",\"signatures\":{\"\":{\"ed25519:\":\"\"}},\"state_key\":\"@\",\"type\":\"m.room.member\"}"u8
        + "{\"auth_events\":[\"$\",\"$\"],\"content\":{\"body\":\"\",\"m.mentions\":{},\"msgtype\":\"m.text\"},\"depth\":,\"hashes\":{\"sha256\":\"\"},\"origin_server_ts\":179,\"prev_events\":[\"$\"],\"room_id\":\"!\",\"sender\":\"@\",\"signatures\":{\"\":{\"ed25519:\":\"\"}},\"type\":\"m.room.message\"}"u8;
}
