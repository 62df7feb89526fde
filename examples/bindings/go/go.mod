module monoforward

go 1.17
