--[[
  A page of the owner's uploads, newest first. It looks at a bounded number of records, so with a filter a
  page may be short, or empty, and yet have a next one.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  the owner's entries, by age

  ARGV[1]  now, ms since the epoch
  ARGV[2]  limit
  ARGV[3]  state, or empty for all
  ARGV[4]  the entry after which the page begins, or empty

  Returns  {the last entry seen when there may be more, or '', draft, record, draft, record, …}
]]
local now, limit, state = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local page, found, from = { '' }, 0, ARGV[4] == '' and '+' or '(' .. ARGV[4]

for _ = 1, 10 do
  local entries = redis.call('ZREVRANGEBYLEX', KEYS[2], from, '-', 'LIMIT', 0, 100)
  if #entries == 0 then return page end
  for _, entry in ipairs(entries) do
    if found == limit then
      page[1] = string.sub(from, 2)
      return page
    end
    from = '(' .. entry
    local id = string.sub(entry, 18)
    local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. id, 'd:' .. id))
    local record = raw and cjson.decode(raw)
    if record and record.keepUntil > now and record.state ~= 'creating'
      and (state == '' or record.state == state) then
      page[#page + 1], page[#page + 2], found = draft, raw, found + 1
    end
  end
end
page[1] = string.sub(from, 2)
return page
