using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>The state event of a type and state key in the room state that an event is checked against; null if there is none.</summary>
public delegate Pdu? StateLookup(string type, string stateKey);
