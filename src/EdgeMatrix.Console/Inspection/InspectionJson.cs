using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeMatrix.Console.Inspection;

[JsonSerializable(typeof(JsonElement))]
internal sealed partial class InspectionJson : JsonSerializerContext;
