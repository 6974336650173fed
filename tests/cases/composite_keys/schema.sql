CREATE TABLE [dbo].[order_line](
    [order_id] [int] NOT NULL,
    [line_no] [smallint] NOT NULL,
    [product] [nvarchar](40) NOT NULL,
    [quantity] [decimal](10, 3) NULL,
    [changed_at] [datetime2](6) NULL,
    CONSTRAINT [PK_order_line] PRIMARY KEY CLUSTERED ([order_id] ASC, [line_no] ASC)
) ON [PRIMARY]
GO
CREATE TABLE [dbo].[price](
    [id] [int] NOT NULL,
    [product] [nvarchar](40) NOT NULL,
    [currency] [nchar](3) NOT NULL,
    [valid_from] [date] NOT NULL,
    [amount] [decimal](18, 4) NOT NULL,
    CONSTRAINT [PK_price] PRIMARY KEY ([id]),
    CONSTRAINT [UQ_price] UNIQUE ([product], [currency], [valid_from])
)
GO
-- Nothing but a key: every update is a delete and an insert.
CREATE TABLE [dbo].[membership](
    [person_id] [uniqueidentifier] NOT NULL,
    [club_id] [int] NOT NULL,
    PRIMARY KEY ([person_id], [club_id])
)
GO
