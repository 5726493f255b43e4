System.Console.WriteLine("edgematrix");
