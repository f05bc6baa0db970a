DROP TABLE products;
DROP TABLE categories;
DROP DOMAIN currency_code;
