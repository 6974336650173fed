CREATE TABLE dbo.account (
    id int IDENTITY(1,1) NOT NULL PRIMARY KEY,
    guid uniqueidentifier NOT NULL DEFAULT newid(),
    balance money NOT NULL DEFAULT ((0)),
    title nvarchar(max) NULL,
    code nvarchar(40) NULL UNIQUE,
    opened datetime2(7) NOT NULL DEFAULT (sysdatetime()),
    moved datetimeoffset NULL DEFAULT (sysdatetimeoffset()),
    is_open bit NOT NULL DEFAULT ((1)),
    version rowversion NOT NULL,
    doubled AS (balance * 2),
    place hierarchyid NULL
);
