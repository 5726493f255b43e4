using System.Collections;
using System.Reflection;
using System.Threading.Channels;

namespace EdgeMatrix.Server.Tests.Memory;

/// <summary>Goes through the objects of a living server, and lists the fields of our own types in which things can gather.</summary>
internal sealed class ObjectGraph
{
    private static readonly HashSet<Type> _gathering =
    [
        typeof(Dictionary<,>), typeof(HashSet<>), typeof(List<>), typeof(Queue<>), typeof(Stack<>), typeof(LinkedList<>), typeof(SortedDictionary<,>),
        typeof(SortedSet<>), typeof(PriorityQueue<,>), typeof(System.Collections.Concurrent.ConcurrentDictionary<,>),
        typeof(System.Collections.Concurrent.ConcurrentQueue<>), typeof(System.Collections.Concurrent.ConcurrentStack<>),
        typeof(System.Collections.Concurrent.ConcurrentBag<>), typeof(System.Collections.Concurrent.BlockingCollection<>),
        typeof(System.Runtime.CompilerServices.ConditionalWeakTable<,>),
    ];

    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly Stack<object> _ahead = new();

    /// <summary><c>Type.field</c>, in the order of the alphabet.</summary>
    public static SortedSet<string> Gatherers(params object[] roots)
    {
        var graph = new ObjectGraph();
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var root in roots)
        {
            graph.Visit(root);
        }

        while (graph._ahead.TryPop(out var next))
        {
            graph.Look(next, found);
        }

        return found;
    }

    private void Look(object thing, SortedSet<string> found)
    {
        if (thing is IEnumerable items and not string && !IsOurs(thing.GetType()))
        {
            // Of the framework's: what of ours is in it.
            foreach (var item in items)
            {
                Visit(item);
            }

            return;
        }

        for (var type = thing.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (IsOurs(type) && Gathers(field.FieldType))
                {
                    found.Add($"{NameOf(type)}.{field.Name}");
                }

                if (!field.FieldType.IsPointer && !field.FieldType.IsByRefLike)
                {
                    Visit(field.GetValue(thing));
                }
            }
        }
    }

    private void Visit(object? thing)
    {
        if (thing is null or string or Type or MemberInfo or Pointer || thing.GetType().IsPrimitive)
        {
            return;
        }

        // A delegate leads to what it is bound to, a pair to both.
        if (thing is Delegate @delegate)
        {
            foreach (var one in @delegate.GetInvocationList())
            {
                Visit(one.Target);
            }
        }
        else if ((IsOurs(thing.GetType()) || IsCollectionOfOurs(thing)) && (thing.GetType().IsValueType || _seen.Add(thing)))
        {
            _ahead.Push(thing);
        }
    }

    private static bool Gathers(Type type) =>
        type.IsGenericType && (_gathering.Contains(type.GetGenericTypeDefinition()) || Derives(type, typeof(Channel<,>)));

    private static bool Derives(Type? type, Type definition)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == definition)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOurs(Type type) =>
        type.Assembly.GetName().Name is { } name && (name == "edgematrix" || name.StartsWith("EdgeMatrix.", StringComparison.Ordinal)) && !type.IsEnum;

    private static bool IsCollectionOfOurs(object thing) =>
        (thing is IEnumerable || thing.GetType().Name.StartsWith("KeyValuePair", StringComparison.Ordinal) || thing.GetType().Name.StartsWith("ValueTuple", StringComparison.Ordinal))
        && Arguments(thing.GetType()).Any(IsOursDeep);

    private static bool IsOursDeep(Type type) => IsOurs(type) || typeof(Delegate).IsAssignableFrom(type) || Arguments(type).Any(IsOursDeep);

    private static Type[] Arguments(Type type) => type.IsArray ? [type.GetElementType()!] : type.GetGenericArguments();

    private static string NameOf(Type type)
    {
        var name = type.Name.Split('`')[0];
        return type.DeclaringType is { } outer ? $"{NameOf(outer)}.{name}" : name;
    }
}
