-- A schema that uses what SQL Server has, as its Management Studio writes it.
/****** Object:  Table [dbo].[order] ******/
SET ANSI_NULLS ON
GO
SET QUOTED_IDENTIFIER ON
GO
CREATE SCHEMA [sales]
GO
CREATE SEQUENCE [dbo].[numbers] AS [int] START WITH 1 INCREMENT BY 1
GO
CREATE TYPE [dbo].[Flag] FROM [bit] NOT NULL
GO
CREATE TYPE [sales].[Amount] FROM [decimal](12, 2) NULL
GO
CREATE TABLE [dbo].[order](
	[id] [int] IDENTITY(1,1) NOT FOR REPLICATION NOT NULL,
	[user name] [nvarchar](30) COLLATE Latin1_General_CI_AS NOT NULL,
	[größe] [float] NULL,
	[a]]b] [varchar](max) NULL,
	[nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn] [real] NULL,
 CONSTRAINT [PK_order] PRIMARY KEY CLUSTERED
(
	[id] ASC
)WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF, IGNORE_DUP_KEY = OFF) ON [PRIMARY]
) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
GO
CREATE TABLE [dbo].[Everything](
	[a] [bigint] NOT NULL,
	[b] [decimal](10, 2) NULL,
	[c] [numeric](5, 0) NULL,
	[d] [bit] NOT NULL,
	[e] [datetime2](7) NULL,
	[f] [datetimeoffset](3) NULL,
	[g] [time](7) NULL,
	[h] [date] NULL,
	[i] [uniqueidentifier] ROWGUIDCOL  NOT NULL,
	[j] [nchar](3) NULL,
	[k] [varbinary](16) NULL,
	[l] [varbinary](max) NULL,
	[m] [timestamp] NOT NULL,
	[n]  AS ([a]*(2)) PERSISTED NOT NULL,
	[o]  AS (getdate()),
	[p] [dbo].[Flag] NOT NULL,
	[q] [sales].[Amount] NULL,
	[r] [xml] NULL,
	[s] [sysname] NOT NULL,
	[t] [money] NULL,
	[u] [datetime] NULL,
	[v] [char](10) SPARSE  NULL,
	[w] [int] NULL
) ON [PRIMARY]
GO
CREATE TABLE [sales].[pair](
	[a] [int] NOT NULL,
	[b] [nvarchar](20) NOT NULL,
	[c] [int] NULL,
 CONSTRAINT [PK_pair] PRIMARY KEY NONCLUSTERED ([b] ASC, [a] DESC)WITH (FILLFACTOR = 80) ON [PRIMARY],
 CONSTRAINT [UQ_pair] UNIQUE CLUSTERED ([a] ASC, [b] ASC) ON [PRIMARY]
) ON [PRIMARY]
GO
CREATE TABLE sales.Child (
	id bigint NOT NULL PRIMARY KEY,
	parent bigint NULL CONSTRAINT fk_self FOREIGN KEY REFERENCES sales.Child (id),
	x nvarchar(20), y int NOT NULL, z int DEFAULT 1,
	INDEX ix_x (x)
)
CREATE TABLE sales.versioned (
	id bigint NOT NULL PRIMARY KEY,
	from_ datetime2 GENERATED ALWAYS AS ROW START HIDDEN NOT NULL,
	to_ datetime2 GENERATED ALWAYS AS ROW END HIDDEN NOT NULL,
	PERIOD FOR SYSTEM_TIME (from_, to_)
) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = sales.history))
GO
CREATE UNIQUE NONCLUSTERED INDEX [ix_child] ON [sales].[Child] ([z] ASC, [y] ASC)
INCLUDE([x]) WITH (PAD_INDEX = OFF, ONLINE = OFF) ON [PRIMARY]
GO
CREATE UNIQUE NONCLUSTERED INDEX [ix_filtered] ON [sales].[Child] ([x] ASC)
WHERE ([x] IS NOT NULL)
GO
ALTER TABLE [dbo].[order] ADD  CONSTRAINT [DF_name]  DEFAULT (N'x') FOR [user name]
GO
ALTER TABLE [dbo].[order] ADD  DEFAULT ((-1.50)) FOR [größe]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT ((0)) FOR [b]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT ((1)) FOR [d]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT (CURRENT_TIMESTAMP) FOR [u]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT (sysdatetime()) FOR [e]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT (newid()) FOR [i]
GO
ALTER TABLE [dbo].[Everything] ADD  DEFAULT (NEXT VALUE FOR [dbo].[numbers]) FOR [w]
GO
ALTER TABLE [sales].[Child]  WITH CHECK ADD  CONSTRAINT [fk_pair] FOREIGN KEY([x], [y])
REFERENCES [sales].[pair] ([b], [a])
ON UPDATE CASCADE
GO
ALTER TABLE [sales].[Child] CHECK CONSTRAINT [fk_pair]
GO
ALTER TABLE [sales].[Child]  WITH NOCHECK ADD FOREIGN KEY([z]) REFERENCES [dbo].[order]
ON DELETE SET NULL
GO
ALTER TABLE [sales].[Child]  WITH CHECK ADD CHECK  (([y]>(0)))
GO
INSERT [dbo].[order] ([user name]) VALUES (N'O''Brien; CREATE TABLE never (x int)
GO and on')
GO
CREATE TRIGGER [dbo].[t] ON [dbo].[order] AFTER INSERT AS
BEGIN
	SET NOCOUNT ON;
	CREATE TABLE #x (y int);
	SELECT 1
END
GO
EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'CREATE TABLE never'
GO
