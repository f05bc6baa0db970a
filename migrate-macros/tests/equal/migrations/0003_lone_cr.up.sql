-- a comment ends at CRCREATE TABLE cr (id int);
